import { expect, test } from 'vitest';
import { hashSlot, slotCount } from '../../../src/net/redis/hash-slot.ts';

test.each([
  // The specification's own check value, and what CLUSTER KEYSLOT says.
  ['123456789', 0x31c3 % slotCount],
  ['foo', 12_182],
  ['', 0],
  ['{user1000}.following', 3_443],
  ['user1000', 3_443],
  ['foo{}{bar}', 8_363],
  ['foo{{bar}}zap', 4_015],
  ['foo{bar}{zap}', 5_061],
  ['bar', 5_061],
  ['ü', 9_552],
])('the slot of %j is %i', (key, slot) => {
  expect(hashSlot(key)).toBe(slot);
});
