const GROUPS = 8;
/** Groups of a /64: what one site, or one host with privacy addresses, is usually given. */
const NETWORK_GROUPS = 4;
/** Groups of a /48: the most that one site is usually given. */
const WIDER_NETWORK_GROUPS = 3;

/** The eight 16-bit groups of an IPv6 address (RFC 4291 §2.2), any zone left out; undefined where the text is none. */
export function parseIpv6(text: string): readonly number[] | undefined {
  // Most clients have an IPv4 address, and each login asks.
  if (!text.includes(':')) return undefined;
  const address = /^([^%]+)(?:%[0-9A-Za-z.:-]+)?$/.exec(text)?.[1];
  if (address === undefined) return undefined;
  const halves = address.split('::');
  const [first = '', second] = halves;
  if (second === undefined) {
    const groups = parseGroups(first, { mayEndInIpv4: true });
    return groups?.length === GROUPS ? groups : undefined;
  }
  if (halves.length > 2) return undefined;
  const head = parseGroups(first, { mayEndInIpv4: false });
  const tail = parseGroups(second, { mayEndInIpv4: true });
  if (head === undefined || tail === undefined) return undefined;
  const zeros = GROUPS - head.length - tail.length;
  return zeros < 1 ? undefined : [...head, ...new Array<number>(zeros).fill(0), ...tail];
}

function parseGroups(text: string, { mayEndInIpv4 }: { readonly mayEndInIpv4: boolean }): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const octets = mayEndInIpv4 && index === parts.length - 1 ? parseIpv4(part) : undefined;
    if (octets === undefined) return undefined;
    const [a, b, c, d] = octets;
    groups.push(a * 256 + b, c * 256 + d);
  }
  return groups;
}

const ipv4 = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;

/** The four octets of an IPv4 address in dotted decimal; undefined where the text is none. */
export function parseIpv4(text: string): [number, number, number, number] | undefined {
  const match = ipv4.exec(text);
  if (match === null) return undefined;
  const [a, b, c, d] = [Number(match[1]), Number(match[2]), Number(match[3]), Number(match[4])];
  return a > 255 || b > 255 || c > 255 || d > 255 ? undefined : [a, b, c, d];
}

/**
 * The network that shares one count of failures with `address`: an IPv4 address itself, for IPv6 its /64 in canonical
 * form (RFC 5952), since its owner picks any of the 2⁶⁴ addresses in it. Text that is no address stands for itself.
 */
export function limitedNetwork(address: string): string {
  const groups = parseIpv6(address);
  if (groups === undefined) return address;
  return mappedIpv4(groups)?.join('.') ?? formatIpv6Network(groups, NETWORK_GROUPS);
}

/**
 * The network that an address's neighbours share with it: the /24 of an IPv4 address, the /48 of an IPv6 one, in canonical
 * form. What `limitedNetwork` makes of the address leads to the same. Text that is no address stands for itself.
 */
export function widerNetwork(address: string): string {
  const groups = parseIpv6(address.endsWith('/64') ? address.slice(0, -'/64'.length) : address);
  const octets = groups === undefined ? parseIpv4(address) : mappedIpv4(groups);
  if (octets !== undefined) return `${octets[0]}.${octets[1]}.${octets[2]}.0/24`;
  return groups === undefined ? address : formatIpv6Network(groups, WIDER_NETWORK_GROUPS);
}

function mappedIpv4(groups: readonly number[]): readonly number[] | undefined {
  const [g0, g1, g2, g3, g4, g5, g6 = 0, g7 = 0] = groups;
  const isIpv4Mapped = [g0, g1, g2, g3, g4].every((group) => group === 0) && g5 === 0xffff;
  return isIpv4Mapped ? [g6 >> 8, g6 & 255, g7 >> 8, g7 & 255] : undefined;
}

/** The zero groups behind the prefix are the longest run, so `::` always stands at the end. */
function formatIpv6Network(groups: readonly number[], prefixGroups: number): string {
  const network = groups.slice(0, prefixGroups);
  while (network.at(-1) === 0) network.pop();
  return `${network.map((group) => group.toString(16)).join(':')}::/${prefixGroups * 16}`;
}
