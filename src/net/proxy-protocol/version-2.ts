import { crc32c } from './crc32c.ts';
import type { ParsedProxyHeader, ProxyEndpoint, ProxyHeader } from './header.ts';
import { formatAddress } from './ip-address.ts';
import { maxUniqueIdOctets, parseSsl, parseTlvs, type Tlv, textOf, tlvTypes, uniqueIdText } from './tlv.ts';

/** What a binary header begins with (PROXY protocol §2.2). */
export const version2Signature: Uint8Array = Uint8Array.of(13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10);

/** The signature, version and command, family and protocol, and the length of what follows. */
export const fixedOctets = 16;
/** The whole header, as Dovecot caps it; a TCP segment, which it should fit in (§2.2), is no longer. */
const maxVersion2Octets = 1500;

/** Address families, high half of the 14th octet, and what their two addresses take up (§2.2). */
const families = { unspecified: 0, ipv4: 1, ipv6: 2, unix: 3 } as const;
const addressOctets: Readonly<Record<number, number>> = { 1: 4, 2: 16, 3: 108 };
const streamProtocol = 1;
const maxProtocol = 2;

/** Parses octets that begin with the signature of version 2. Never throws. */
export function parseVersion2(octets: Uint8Array): ParsedProxyHeader {
  const versionAndCommand = octets[version2Signature.length];
  if (versionAndCommand !== undefined && versionAndCommand >> 4 !== 2) return invalid('is of another version than 2');
  if (octets.length < fixedOctets) return { kind: 'incomplete' };
  const length = fixedOctets + uint16(octets, fixedOctets - 2);
  if (length > maxVersion2Octets) return invalid(`is longer than ${maxVersion2Octets} octets`);
  if (octets.length < length) return { kind: 'incomplete' };
  const header = parseWhole(octets.subarray(0, length));
  return typeof header === 'string' ? invalid(header) : { kind: 'header', header, octets: length };
}

/** The header, or what is wrong with it. */
function parseWhole(octets: Uint8Array): ProxyHeader | string {
  const [versionAndCommand = 0, familyAndProtocol = 0] = octets.subarray(version2Signature.length);
  const command = versionAndCommand & 15;
  // All that follows is to be discarded (§2.2).
  if (command === 0) return { command: 'local' };
  if (command !== 1) return 'holds an unknown command';

  const family = familyAndProtocol >> 4;
  const protocol = familyAndProtocol & 15;
  if (family > families.unix || protocol > maxProtocol) return 'names an unknown address family or protocol';
  // How long its addresses are is not specified, so what stands behind them cannot be found.
  if (family === families.unspecified) return { command: 'proxy' };

  const { addresses, octets: addressesOctets } = parseAddresses(octets.subarray(fixedOctets), family);
  const start = fixedOctets + addressesOctets;
  const tlvs = octets.length < start ? undefined : parseTlvs(octets.subarray(start));
  if (tlvs === undefined) return 'is cut short within its addresses or values';
  const values = readValues(tlvs);
  if (typeof values === 'string') return values;
  if (!isChecksumRight(octets, { tlvs, start })) return 'does not match its checksum';
  // Of the families and protocols, POP3 travels over TCP on IP alone; the others stand for what is not known (§2.2).
  const isTcp = protocol === streamProtocol && addresses !== undefined;
  return { command: 'proxy', ...(isTcp ? { addresses } : {}), ...values };
}

function parseAddresses(
  octets: Uint8Array,
  family: number,
): { readonly addresses?: NonNullable<ProxyHeader['addresses']>; readonly octets: number } {
  const size = addressOctets[family] ?? 0;
  if (family === families.unix) return { octets: 2 * size };
  const endpoint = (index: number): ProxyEndpoint => ({
    address: formatAddress(octets.subarray(index * size, (index + 1) * size)),
    port: uint16(octets, 2 * size + 2 * index),
  });
  const whole = 2 * size + 4;
  if (octets.length < whole) return { octets: whole };
  return { addresses: { source: endpoint(0), destination: endpoint(1) }, octets: whole };
}

/** Types that are not known are skipped (§2.2). */
function readValues(tlvs: readonly Tlv[]): Omit<ProxyHeader, 'command' | 'addresses'> | string {
  const uniqueId = tlvs.findLast(({ type }) => type === tlvTypes.uniqueId)?.value;
  if (uniqueId !== undefined && uniqueId.length > maxUniqueIdOctets) return 'holds a unique id that is too long';
  const sslValue = tlvs.findLast(({ type }) => type === tlvTypes.ssl)?.value;
  const ssl = sslValue === undefined ? undefined : parseSsl(sslValue);
  if (sslValue !== undefined && ssl === undefined) return 'holds a malformed SSL value';
  const authority = textOf(tlvs, tlvTypes.authority);
  const alpn = textOf(tlvs, tlvTypes.alpn);
  return {
    ...(uniqueId === undefined || uniqueId.length === 0 ? {} : { uniqueId: uniqueIdText(uniqueId) }),
    ...(authority === undefined ? {} : { authority }),
    ...(alpn === undefined ? {} : { alpn }),
    ...(ssl === undefined ? {} : { ssl }),
  };
}

/** A checksum is over the whole header with zeros in its own place (§2.2.3). */
function isChecksumRight(
  octets: Uint8Array,
  { tlvs, start }: { readonly tlvs: readonly Tlv[]; readonly start: number },
): boolean {
  const checksums = tlvs.filter(({ type }) => type === tlvTypes.crc32c);
  const [checksum] = checksums;
  if (checksum === undefined) return true;
  if (checksums.length > 1 || checksum.value.length !== 4) return false;
  const zeroed = octets.slice();
  zeroed.fill(0, start + checksum.offset, start + checksum.offset + 4);
  return crc32c(zeroed) === uint16(checksum.value, 0) * 65_536 + uint16(checksum.value, 2);
}

function uint16(octets: Uint8Array, offset: number): number {
  return (octets[offset] ?? 0) * 256 + (octets[offset + 1] ?? 0);
}

function invalid(reason: string): ParsedProxyHeader {
  return { kind: 'invalid', reason };
}
