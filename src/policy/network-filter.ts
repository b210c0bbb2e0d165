import { limitedNetwork, parseIpv4, parseIpv6 } from './ip-network.ts';

/** Whether a network, in the form of `limitedNetwork`, is among those asked for. */
export type NetworkFilter = (network: string) => boolean;

/** An IPv6 client is known by its /64 alone. */
const networkBits = 64;

/** Reads an address or a CIDR block as a filter; undefined where the text is neither. */
export function readNetworkFilter(text: string): NetworkFilter | undefined {
  const [address = '', prefixText, ...rest] = text.split('/');
  const groups = readGroups(prefixText === undefined ? limitedNetwork(address) : address);
  if (groups === undefined || rest.length > 0) return undefined;
  const bits = groups.length * 16;
  const prefix = prefixText === undefined ? bits : /^\d{1,3}$/.test(prefixText) ? Number(prefixText) : Number.NaN;
  if (!(prefix <= bits)) return undefined;
  const comparedBits = bits === 32 ? prefix : Math.min(prefix, networkBits);
  return (network) => {
    const other = readGroups(network);
    return other !== undefined && other.length === groups.length && sharePrefix([groups, other], comparedBits);
  };
}

/** The 16-bit groups of an IPv4 or IPv6 address or network. */
function readGroups(network: string): readonly number[] | undefined {
  const address = network.replace(/\/64$/, '');
  const octets = parseIpv4(address);
  if (octets === undefined) return parseIpv6(address);
  const [a, b, c, d] = octets;
  return [a * 256 + b, c * 256 + d];
}

function sharePrefix([one, other]: readonly [readonly number[], readonly number[]], bits: number): boolean {
  return one.every((group, index) => {
    const compared = Math.min(16, Math.max(0, bits - index * 16));
    return group >> (16 - compared) === (other[index] ?? 0) >> (16 - compared);
  });
}
