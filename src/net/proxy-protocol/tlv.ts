import { octetString } from '../../pop3/octet-string.ts';
import { type ProxySsl, printableText } from './header.ts';

/** Types of values that a header of version 2 can carry (PROXY protocol §2.2). */
export const tlvTypes = {
  alpn: 0x01,
  authority: 0x02,
  crc32c: 0x03,
  uniqueId: 0x05,
  ssl: 0x20,
  sslVersion: 0x21,
  sslCommonName: 0x22,
  sslCipher: 0x23,
} as const;

/** Bits of what the client did, first octet of the SSL value (§2.2.6). */
export const sslClientBits = { tls: 0x01, certificateInConnection: 0x02, certificateInSession: 0x04 } as const;

/** The longest name of a connection (§2.2.5). */
export const maxUniqueIdOctets = 128;
/** Of what is only shown to people; a host name has at most 253 characters. */
const maxTextCharacters = 255;
/** Type and length. */
const headOctets = 3;
/** The client's bits, and the result of verification. */
const sslHeadOctets = 5;

/** One value and where it stands, counted from the first value. */
export interface Tlv {
  readonly type: number;
  readonly value: Uint8Array;
  readonly offset: number;
}

/** Cuts octets into values; undefined where the last one is cut short. */
export function parseTlvs(octets: Uint8Array): readonly Tlv[] | undefined {
  const tlvs: Tlv[] = [];
  let next = 0;
  while (next < octets.length) {
    const [type, high, low] = octets.subarray(next, next + headOctets);
    if (type === undefined || high === undefined || low === undefined) return undefined;
    const offset = next + headOctets;
    next = offset + high * 256 + low;
    if (next > octets.length) return undefined;
    tlvs.push({ type, value: octets.subarray(offset, next), offset });
  }
  return tlvs;
}

/** Reads an SSL value (§2.2.6); undefined where it is malformed. */
export function parseSsl(value: Uint8Array): ProxySsl | undefined {
  const [client] = value;
  const inner = parseTlvs(value.subarray(sslHeadOctets));
  if (client === undefined || value.length < sslHeadOctets || inner === undefined) return undefined;
  const { tls, certificateInConnection, certificateInSession } = sslClientBits;
  const hasCertificate = (client & (certificateInConnection | certificateInSession)) !== 0;
  // Zero stands for success (§2.2.6), which says nothing where there was no certificate to verify.
  const isClientVerified = hasCertificate && value.subarray(1, sslHeadOctets).every((octet) => octet === 0);
  const text = (type: number): string | undefined => textOf(inner, type);
  const version = text(tlvTypes.sslVersion);
  const cipher = text(tlvTypes.sslCipher);
  const commonName = text(tlvTypes.sslCommonName);
  return {
    isTls: (client & tls) !== 0,
    isClientVerified,
    ...(version === undefined ? {} : { version }),
    ...(cipher === undefined ? {} : { cipher }),
    ...(commonName === undefined ? {} : { commonName }),
  };
}

/** The printable text of the last value of a type. */
export function textOf(tlvs: readonly Tlv[], type: number): string | undefined {
  const tlv = tlvs.findLast((candidate) => candidate.type === type);
  return tlv === undefined ? undefined : printableText(tlv.value, maxTextCharacters);
}

/** An opaque name for people: as it is where it is printable, else in hexadecimal digits. */
export function uniqueIdText(value: Uint8Array): string {
  const text = octetString(value);
  if (/^[!-~]+$/.test(text)) return text;
  return Array.from(value, (octet) => octet.toString(16).padStart(2, '0')).join('');
}
