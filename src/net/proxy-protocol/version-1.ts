import { octetString } from '../../pop3/octet-string.ts';
import type { ParsedProxyHeader, ProxyEndpoint } from './header.ts';
import { formatAddress, parseIpv4Octets, parseIpv6Octets } from './ip-address.ts';

/** What a header in text begins with (PROXY protocol §2.1). */
export const version1Signature: Uint8Array = new TextEncoder().encode('PROXY ');

/** The longest line there can be, its CRLF included (§2.1). */
const maxLineOctets = 107;
const lineFeed = 0x0a;

/** Parses octets that begin with the signature of version 1. Never throws. */
export function parseVersion1(octets: Uint8Array): ParsedProxyHeader {
  const end = octets.subarray(0, maxLineOctets).indexOf(lineFeed);
  if (end === -1) return octets.length < maxLineOctets ? { kind: 'incomplete' } : invalid('has no end');
  const line = octetString(octets.subarray(0, end + 1));
  // Nothing but a whole CRLF may end it (§2.1).
  if (!/^[^\r\n]*\r\n$/.test(line)) return invalid('does not end in CRLF');
  const length = end + 1;
  const [, family, source, destination, sourcePort, destinationPort, ...rest] = line.slice(0, -2).split(' ');
  // Whatever follows UNKNOWN is ignored (§2.1).
  if (family === 'UNKNOWN') return { kind: 'header', header: { command: 'proxy' }, octets: length };
  const parseAddress = family === 'TCP4' ? parseIpv4Octets : family === 'TCP6' ? parseIpv6Octets : undefined;
  if (parseAddress === undefined) return invalid('names another protocol than TCP4, TCP6 and UNKNOWN');
  const from = endpoint(source, { port: sourcePort, parseAddress });
  const to = endpoint(destination, { port: destinationPort, parseAddress });
  if (from === undefined || to === undefined || rest.length > 0) return invalid('holds malformed addresses or ports');
  return { kind: 'header', header: { command: 'proxy', addresses: { source: from, destination: to } }, octets: length };
}

function endpoint(
  address: string | undefined,
  { port, parseAddress }: { port: string | undefined; parseAddress: (text: string) => Uint8Array | undefined },
): ProxyEndpoint | undefined {
  if (address === undefined || address.includes('%')) return undefined;
  if (port === undefined || !/^(?:0|[1-9]\d{0,4})$/.test(port) || Number(port) > 65_535) return undefined;
  const octets = parseAddress(address);
  return octets === undefined ? undefined : { address: formatAddress(octets), port: Number(port) };
}

function invalid(reason: string): ParsedProxyHeader {
  return { kind: 'invalid', reason };
}
