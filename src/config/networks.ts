import { BlockList, isIP, isIPv4 } from 'node:net';
import { type Networks, noNetworks } from '../policy/networks.ts';
import { addressBits, canonicalAddress } from './address.ts';
import { Refusal } from './scalar.ts';

/** What a network may look like, for messages. */
export const acceptedNetwork = 'a network such as 192.168.10.0/24 or fd00::/8, or a single address';

/** A CIDR block; a single address is a block of one. */
export interface NetworkBlock {
  readonly family: 'ipv4' | 'ipv6';
  readonly address: string;
  readonly prefix: number;
}

/** Reads a CIDR block or a single address; IPv4-mapped IPv6 is read as IPv4. */
export function readNetwork(text: string): NetworkBlock | Refusal {
  const [spelled = '', spelledPrefix, ...rest] = text.split('/');
  const spelledBits = isIPv4(spelled) ? 32 : 128;
  if (isIP(spelled) === 0 || spelled.includes('%') || rest.length > 0) return new Refusal(acceptedNetwork);
  const address = canonicalAddress(spelled);
  const bits = isIPv4(address) ? 32 : 128;
  const minPrefix = spelledBits - bits;
  const prefix = spelledPrefix === undefined ? spelledBits : readPrefix(spelledPrefix);
  if (prefix < minPrefix || prefix > spelledBits || Number.isNaN(prefix)) {
    const kind = spelledBits === 32 ? 'IPv4' : minPrefix > 0 ? 'IPv4-mapped IPv6' : 'IPv6';
    return new Refusal(`the prefix length of an ${kind} network is ${minPrefix} to ${spelledBits}`);
  }
  const hostBits = BigInt(spelledBits - prefix);
  // A stray bit is nearly always a mistyped prefix, which could open a gate to far more than was meant.
  if ((addressBits(address) & ((1n << hostBits) - 1n)) !== 0n) {
    return new Refusal('a network starts at its first address, but this one has bits set behind its prefix length');
  }
  return { family: bits === 32 ? 'ipv4' : 'ipv6', address, prefix: prefix - minPrefix };
}

function readPrefix(text: string): number {
  return /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
}

/** The set of addresses that lie in one of the blocks. */
export function toNetworks(blocks: readonly NetworkBlock[]): Networks {
  if (blocks.length === 0) return noNetworks;
  // One list for each family: a BlockList of both takes IPv4 for IPv4-mapped, so `::/0` would hold all of IPv4.
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const { family, address, prefix } of blocks) lists[family].addSubnet(address, prefix, family);
  return {
    blocks: blocks.map(({ family, address, prefix }) =>
      prefix === (family === 'ipv4' ? 32 : 128) ? address : `${address}/${prefix}`,
    ),
    includes(address) {
      const [canonical = ''] = canonicalAddress(address).split('%');
      const version = isIP(canonical);
      if (version === 0) return false;
      return version === 4 ? lists.ipv4.check(canonical, 'ipv4') : lists.ipv6.check(canonical, 'ipv6');
    },
  };
}
