import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { replyDelayMs } from '../../../src/policy/guard/reply-delay.ts';

describe(replyDelayMs, () => {
  const delay = { firstMs: 500, maxMs: 8_000, sockets: 1_000 };

  test.each([
    [0, 500],
    [1, 500],
    [2, 1_000],
    [5, 8_000],
    [6, 8_000],
    [10_000, 8_000],
  ])('after %d failures is %d ms', (failures, delayMs) => {
    expect(replyDelayMs(delay, failures)).toBe(delayMs);
  });

  test('is none where it is turned off', () => {
    expect(replyDelayMs({ ...delay, firstMs: 0 }, 100)).toBe(0);
  });

  test('never shrinks with more failures, and never exceeds the longest', () => {
    const anyDelay = fc.record({ firstMs: fc.nat(10_000), maxMs: fc.nat(60_000), sockets: fc.nat() });
    fc.assert(
      fc.property(anyDelay, fc.nat(100_000), (any, failures) => {
        expect(replyDelayMs(any, failures + 1)).toBeGreaterThanOrEqual(replyDelayMs(any, failures));
        expect(replyDelayMs(any, failures)).toBeLessThanOrEqual(any.maxMs);
      }),
    );
  });
});
