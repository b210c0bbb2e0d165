import { crc32c } from '../../../src/net/proxy-protocol/crc32c.ts';

const signature = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];

/** Octets of an octet string. */
export function octetsOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** A header of version 2, put together by hand; the length is right unless it is given. */
export function version2({
  versionAndCommand = 0x21,
  family = 0x11,
  body = [],
  length = body.length,
}: {
  readonly versionAndCommand?: number;
  readonly family?: number;
  readonly body?: readonly number[];
  readonly length?: number;
}): Uint8Array {
  return Uint8Array.from([...signature, versionAndCommand, family, length >> 8, length & 255, ...body]);
}

/** 192.0.2.7:51000 → 198.51.100.9:110. */
export const ipv4Addresses: readonly number[] = [192, 0, 2, 7, 198, 51, 100, 9, 0xc7, 0x38, 0, 110];

/** A type, a length and a value. */
export function tlv(type: number, value: string | readonly number[]): readonly number[] {
  const octets = typeof value === 'string' ? [...octetsOf(value)] : value;
  return [type, octets.length >> 8, octets.length & 255, ...octets];
}

/** The same header with a checksum as its last value. */
export function withChecksum(header: Uint8Array, spoil = 0): Uint8Array {
  const body = [...header.subarray(16), ...tlv(0x03, [0, 0, 0, 0])];
  const whole = version2({ versionAndCommand: header[12] ?? 0, family: header[13] ?? 0, body });
  new DataView(whole.buffer).setUint32(whole.length - 4, crc32c(whole) ^ spoil);
  return whole;
}
