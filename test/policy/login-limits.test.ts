import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  accountLimitNames,
  blockDurationMs,
  type LoginLimit,
  limitNames,
  networkLimitNames,
} from '../../src/policy/login-limits.ts';

const minute = 60_000;
const limit: LoginLimit = { threshold: 5, windowMs: 10 * minute, blockMs: 5 * minute, maxBlockMs: 60 * minute };

test('each limit is of accounts or of networks', () => {
  expect([...accountLimitNames, ...networkLimitNames].toSorted()).toEqual(limitNames.toSorted());
});

describe(blockDurationMs, () => {
  test.each([
    [1, 5],
    [2, 10],
    [3, 20],
    [4, 40],
    [5, 60],
    [6, 60],
    [1_000, 60],
  ])('of strike %d is %d minutes', (strike, minutes) => {
    expect(blockDurationMs(limit, strike)).toBe(minutes * minute);
  });

  test('takes a strike below the first for the first', () => {
    for (const strike of [0, -1]) expect(blockDurationMs(limit, strike)).toBe(5 * minute);
  });

  test('is never longer than the maximum, even where the first block would be', () => {
    expect(blockDurationMs({ ...limit, maxBlockMs: minute }, 1)).toBe(minute);
  });

  test('never shrinks from strike to strike, and stays a whole number within the maximum', () => {
    const durations = fc.record({
      blockMs: fc.integer({ min: 1, max: 1e9 }),
      maxBlockMs: fc.integer({ min: 1, max: 1e11 }),
    });
    fc.assert(
      fc.property(durations, fc.integer({ min: 1, max: 1e6 }), ({ blockMs, maxBlockMs }, strike) => {
        const [block, next] = [strike, strike + 1].map((each) =>
          blockDurationMs({ ...limit, blockMs, maxBlockMs }, each),
        );
        expect(next).toBeGreaterThanOrEqual(block ?? Number.NaN);
        expect(block).toBeLessThanOrEqual(maxBlockMs);
        expect(Number.isSafeInteger(block)).toBe(true);
      }),
    );
  });
});
