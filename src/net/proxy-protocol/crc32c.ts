/** The Castagnoli polynomial with its bits reversed, as the reflected algorithm wants it (RFC 4960 appendix B). */
const polynomial = 0x82f63b78;

const remainders = Uint32Array.from({ length: 256 }, (_, octet) => {
  let remainder = octet;
  for (let bit = 0; bit < 8; bit += 1) remainder = remainder & 1 ? (remainder >>> 1) ^ polynomial : remainder >>> 1;
  return remainder;
});

/** The CRC32C checksum of the octets, an unsigned number of 32 bits. */
export function crc32c(octets: Uint8Array): number {
  let checksum = 0xffffffff;
  for (const octet of octets) checksum = (checksum >>> 8) ^ (remainders[(checksum ^ octet) & 255] ?? 0);
  return (checksum ^ 0xffffffff) >>> 0;
}
