import { crc32c } from './crc32c.ts';
import type { ProxyEndpoint } from './header.ts';
import { parseIpv4Octets, parseIpv6Octets, toIpv6Octets } from './ip-address.ts';
import { maxUniqueIdOctets, sslClientBits, tlvTypes } from './tlv.ts';
import { fixedOctets, version2Signature } from './version-2.ts';

/** No certificate of the client was verified: anything but zero (PROXY protocol §2.2.6). */
const notVerified = [0, 0, 0, 1];
/** A name as OpenSSL has them is far shorter. */
const maxNameOctets = 100;

/** A connection to tell of in a header. */
export interface ProxiedConnection {
  readonly source: ProxyEndpoint;
  readonly destination: ProxyEndpoint;
  /** Visible ASCII; cut at 128 octets. */
  readonly uniqueId?: string;
  /** The client's leg, where it is under TLS. */
  readonly tls?: { readonly version: string; readonly cipher: string };
}

/** A header of version 2 with checksum. An address that is none is told as not known. */
export function encodeProxyHeader(connection: ProxiedConnection): Uint8Array {
  const { source, destination, uniqueId, tls } = connection;
  const tlvs = [
    ...(uniqueId === undefined ? [] : tlv(tlvTypes.uniqueId, ascii(uniqueId, maxUniqueIdOctets))),
    ...(tls === undefined ? [] : tlv(tlvTypes.ssl, sslValue(tls))),
  ];
  return encode(0x21, { ...addressBlock(source, destination), tlvs });
}

/** A header of version 2 for a connection that is made for nobody else. */
export function encodeLocalHeader(): Uint8Array {
  return encode(0x20, { family: 0x00, addresses: [], tlvs: [] });
}

function encode(
  versionAndCommand: number,
  {
    family,
    addresses,
    tlvs,
  }: { readonly family: number; readonly addresses: readonly number[]; readonly tlvs: readonly number[] },
): Uint8Array {
  const body = [...addresses, ...tlvs, ...tlv(tlvTypes.crc32c, [0, 0, 0, 0])];
  const header = Uint8Array.from([...version2Signature, versionAndCommand, family, ...uint16(body.length), ...body]);
  // Computed with zeros in its place (§2.2.3), which is the last of all.
  new DataView(header.buffer).setUint32(fixedOctets + body.length - 4, crc32c(header));
  return header;
}

/** Both addresses are of one family: IPv4 beside IPv6 goes as IPv4-mapped. */
function addressBlock(
  source: ProxyEndpoint,
  destination: ProxyEndpoint,
): { readonly family: number; readonly addresses: readonly number[] } {
  const from = parseIpv4Octets(source.address) ?? parseIpv6Octets(source.address);
  const to = parseIpv4Octets(destination.address) ?? parseIpv6Octets(destination.address);
  if (from === undefined || to === undefined) return { family: 0x00, addresses: [] };
  const ports = [...uint16(source.port), ...uint16(destination.port)];
  if (from.length === 4 && to.length === 4) return { family: 0x11, addresses: [...from, ...to, ...ports] };
  return { family: 0x21, addresses: [...toIpv6Octets(from), ...toIpv6Octets(to), ...ports] };
}

function sslValue({ version, cipher }: { readonly version: string; readonly cipher: string }): readonly number[] {
  return [
    sslClientBits.tls,
    ...notVerified,
    ...tlv(tlvTypes.sslVersion, ascii(version, maxNameOctets)),
    ...tlv(tlvTypes.sslCipher, ascii(cipher, maxNameOctets)),
  ];
}

function tlv(type: number, value: readonly number[]): readonly number[] {
  return [type, ...uint16(value.length), ...value];
}

function ascii(text: string, maxOctets: number): readonly number[] {
  return Array.from(text.slice(0, maxOctets), (character) => character.charCodeAt(0) & 127);
}

function uint16(value: number): readonly [number, number] {
  return [(value >> 8) & 255, value & 255];
}
