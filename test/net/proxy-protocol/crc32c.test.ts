import { expect, test } from 'vitest';
import { crc32c } from '../../../src/net/proxy-protocol/crc32c.ts';
import { octetsOf } from './headers.ts';

/** Check values: the catalogue's (123456789), and those of RFC 3720 appendix B.4. */
test.each([
  ['the digits 1 to 9', octetsOf('123456789'), 0xe3069283],
  ['32 zeros', new Uint8Array(32), 0x8a9136aa],
  ['32 octets of ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['nothing', new Uint8Array(0), 0],
])('has the published check value of %s', (_, octets, checksum) => {
  expect(crc32c(octets)).toBe(checksum);
});
