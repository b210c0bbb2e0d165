import { describe, expect, it } from 'vitest';
import { percentile, ratios, summarize } from './statistics.ts';

describe('summarize', () => {
  it('takes the middle value of an odd number, whatever their order', () => {
    expect(summarize([9, 1, 4])).toEqual({ median: 4, min: 1, max: 9 });
  });

  it('takes the mean of the two middle values of an even number', () => {
    expect(summarize([10, 1, 4, 2])).toEqual({ median: 3, min: 1, max: 10 });
  });
});

describe('percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);

  it.each([
    [0, 1],
    [0.5, 50],
    [0.99, 99],
    [1, 100],
  ])('finds the value that a share of %d does not exceed', (share, value) => {
    expect(percentile(hundred, share)).toBe(value);
  });

  it('is not a number where there are no values', () => {
    expect(percentile([], 0.5)).toBeNaN();
  });
});

describe('ratios', () => {
  it('compares run by run', () => {
    expect(ratios([2, 9], [4, 3])).toEqual([0.5, 3]);
  });
});
