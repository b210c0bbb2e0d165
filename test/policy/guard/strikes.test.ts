import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { blockDurationsMs, forgivenAtMs, nextStrike, strikesLeft } from '../../../src/policy/guard/strikes.ts';
import { blockDurationMs, type LoginLimit } from '../../../src/policy/login-limits.ts';

const minute = 60_000;
const limit: LoginLimit = { threshold: 10, windowMs: 10 * minute, blockMs: 5 * minute, maxBlockMs: 60 * minute };

const anyLimit = fc
  .record({ blockMs: fc.integer({ min: 1, max: 1e9 }), maxBlockMs: fc.integer({ min: 1, max: 1e10 }) })
  .map((durations) => ({ ...limit, ...durations }));

describe(blockDurationsMs, () => {
  test('doubles up to the longest, once', () => {
    expect(blockDurationsMs(limit).map((durationMs) => durationMs / minute)).toEqual([5, 10, 20, 40, 60]);
  });

  test('is one block where the first is the longest already', () => {
    expect(blockDurationsMs({ ...limit, blockMs: 120 * minute })).toEqual([60 * minute]);
  });

  test('holds every length that blocks have, and grows with each', () => {
    fc.assert(
      fc.property(anyLimit, (any) => {
        const durations = blockDurationsMs(any);
        expect(durations.toSorted((one, other) => one - other)).toEqual(durations);
        expect(new Set(durations).size).toBe(durations.length);
        expect(durations.at(-1)).toBe(blockDurationMs(any, 1_000));
      }),
    );
  });
});

describe(strikesLeft, () => {
  test.each([
    [-10, 4],
    [0, 4],
    [59, 4],
    [60, 3],
    [119, 3],
    [240, 0],
    [10_000, 0],
  ])('%d minutes after the block are %d of four', (minutes, left) => {
    expect(strikesLeft(limit, { strikes: 4, untilMs: 1e12, nowMs: 1e12 + minutes * minute })).toBe(left);
  });

  test('falls to zero by the time that all is forgiven, not before', () => {
    fc.assert(
      fc.property(anyLimit, fc.integer({ min: 1, max: 40 }), (any, strikes) => {
        const atMs = forgivenAtMs(any, { strikes, untilMs: 1e12 });
        expect(strikesLeft(any, { strikes, untilMs: 1e12, nowMs: atMs })).toBe(0);
        expect(strikesLeft(any, { strikes, untilMs: 1e12, nowMs: atMs - 1 })).toBe(1);
      }),
    );
  });

  test('never grows with time', () => {
    const time = fc.integer({ min: 0, max: 1e11 });
    fc.assert(
      fc.property(anyLimit, time, time, (any, one, other) => {
        const leftAfter = (ms: number) => strikesLeft(any, { strikes: 9, untilMs: 1e12, nowMs: 1e12 + ms });
        expect(leftAfter(Math.max(one, other))).toBeLessThanOrEqual(leftAfter(Math.min(one, other)));
      }),
    );
  });
});

describe(nextStrike, () => {
  test('is one more, but none beyond the longest block', () => {
    const durations = blockDurationsMs(limit);
    expect([0, 1, 3, 4, 5, 100].map((strikes) => nextStrike(durations, strikes))).toEqual([1, 2, 4, 5, 5, 5]);
  });
});
