import { parseIpv4, parseIpv6 } from '../ip-network.ts';

/** A CIDR block: the first address's 16-bit groups, two for IPv4 and eight for IPv6, and how many bits count. */
export interface IpBlock {
  readonly groups: readonly number[];
  readonly prefix: number;
}

/** Reads an address; IPv4-mapped IPv6 is IPv4. Undefined where the text is none. */
export function readAddress(text: string): readonly number[] | undefined {
  const octets = parseIpv4(text);
  if (octets !== undefined) {
    const [a, b, c, d] = octets;
    return [a * 256 + b, c * 256 + d];
  }
  const groups = parseIpv6(text);
  return groups !== undefined && isIpv4Mapped(groups) ? groups.slice(6) : groups;
}

/**
 * Reads a CIDR block or a single address, which is a block of one. Undefined where the text is neither, or where bits
 * are set behind the prefix: nearly always a mistyped one, which could shut out far more than was meant.
 */
export function readIpBlock(text: string): IpBlock | undefined {
  const [address = '', prefixText, ...rest] = text.split('/');
  const groups = address.includes('%') ? undefined : readAddress(address);
  if (groups === undefined || rest.length > 0) return undefined;
  const bits = groups.length * 16;
  const spelledBits = address.includes(':') ? 128 : 32;
  if (prefixText === undefined) return { groups, prefix: bits };
  if (!/^\d{1,3}$/.test(prefixText)) return undefined;
  const prefix = Number(prefixText) - (spelledBits - bits);
  if (prefix < 0 || prefix > bits) return undefined;
  return maskedKey(groups, prefix) === maskedKey(groups, bits) ? { groups, prefix } : undefined;
}

/** The block in one spelling for all who mean it: IPv6 by RFC 5952, a block of one without its prefix. */
export function formatIpBlock({ groups, prefix }: IpBlock): string {
  const address =
    groups.length === 2 ? groups.flatMap((group) => [group >> 8, group & 255]).join('.') : formatIpv6(groups);
  return prefix === groups.length * 16 ? address : `${address}/${prefix}`;
}

/** The first `prefix` bits as text: equal for the addresses that share them, within one family. */
export function maskedKey(groups: readonly number[], prefix: number): string {
  let key = groups.length === 2 ? '4' : '6';
  for (const [index, group] of groups.entries()) {
    const bits = prefix - index * 16;
    if (bits <= 0) break;
    key += `:${(bits >= 16 ? group : (group >> (16 - bits)) << (16 - bits)).toString(16)}`;
  }
  // A group of nothing but zeros behind the prefix is left out, so that a shorter prefix gives the same text.
  return key.replace(/(?::0)+$/, '');
}

function isIpv4Mapped(groups: readonly number[]): boolean {
  return groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);
}

/** RFC 5952 §4: lower case, no leading zeros, `::` for the longest run of zeros that has at least two. */
function formatIpv6(groups: readonly number[]): string {
  let best = { start: 0, length: 1 };
  let start = 0;
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start };
  }
  const text = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  if (best.length < 2) return text(groups);
  return `${text(groups.slice(0, best.start))}::${text(groups.slice(best.start + best.length))}`;
}
