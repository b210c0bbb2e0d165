import { parseIpv6 } from '../../policy/ip-network.ts';

/** The four octets of an IPv4 address in dotted decimal without leading zeros; undefined where the text is none. */
export function parseIpv4Octets(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  const isDecimal = parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
  return parts.length === 4 && isDecimal ? Uint8Array.from(parts, Number) : undefined;
}

/** The sixteen octets of an IPv6 address, any zone left out; undefined where the text is none. */
export function parseIpv6Octets(text: string): Uint8Array | undefined {
  const groups = parseIpv6(text);
  return groups === undefined ? undefined : Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255]));
}

/** The text of an address of 4 or 16 octets: IPv6 as RFC 5952 has it, IPv4-mapped IPv6 as IPv4. */
export function formatAddress(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.');
  if (isIpv4Mapped(octets)) return octets.subarray(12).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => group(octets, index));
  const zeros = longestZeros(groups);
  if (zeros.length < 2) return hexadecimal(groups);
  return `${hexadecimal(groups.slice(0, zeros.start))}::${hexadecimal(groups.slice(zeros.start + zeros.length))}`;
}

/** The sixteen octets that carry an IPv4 address in IPv6 (RFC 4291 §2.5.5.2); IPv6 as it is. */
export function toIpv6Octets(octets: Uint8Array): Uint8Array {
  return octets.length === 16 ? octets : Uint8Array.from([...new Array<number>(10).fill(0), 255, 255, ...octets]);
}

function isIpv4Mapped(octets: Uint8Array): boolean {
  return octets.subarray(0, 10).every((octet) => octet === 0) && octets[10] === 255 && octets[11] === 255;
}

function group(octets: Uint8Array, index: number): number {
  return (octets[2 * index] ?? 0) * 256 + (octets[2 * index + 1] ?? 0);
}

function hexadecimal(groups: readonly number[]): string {
  return groups.map((value) => value.toString(16)).join(':');
}

/** The first of the longest runs of zeros (RFC 5952 §4.2). */
function longestZeros(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let longest = { start: 0, length: 0 };
  let start = 0;
  for (const [index, value] of groups.entries()) {
    if (value !== 0) start = index + 1;
    else if (index + 1 - start > longest.length) longest = { start, length: index + 1 - start };
  }
  return longest;
}
