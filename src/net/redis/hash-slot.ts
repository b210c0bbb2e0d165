/** How many slots the keys of a Redis Cluster are spread over. */
export const slotCount = 16_384;

/** The slot of a whole key, prefix included: of its hash tag where it has one. As Redis Cluster's specification has it. */
export function hashSlot(key: string): number {
  const octets = Buffer.from(taggedPart(key));
  let crc = 0;
  for (const octet of octets) crc = ((crc << 8) & 0xffff) ^ (crcTable[(crc >> 8) ^ octet] ?? 0);
  return crc % slotCount;
}

/** What stands between the first `{` and the next `}`, unless that is nothing. */
function taggedPart(key: string): string {
  const start = key.indexOf('{');
  const end = start < 0 ? -1 : key.indexOf('}', start + 1);
  return end > start + 1 ? key.slice(start + 1, end) : key;
}

/** CRC-16/XMODEM. */
const polynomial = 0x1021;
const crcTable = Uint16Array.from({ length: 256 }, (_, octet) => {
  let crc = octet << 8;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? (crc << 1) ^ polynomial : crc << 1;
  return crc & 0xffff;
});
