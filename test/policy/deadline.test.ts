import { describe, expect, test } from 'vitest';
import { certificateWarningDays, countdownStep, daysLeft } from '../../src/policy/deadline.ts';

const dayMs = 86_400_000;

describe(daysLeft, () => {
  test.each([
    [dayMs, 0, 1],
    [dayMs + 1, 0, 2],
    [1, 0, 1],
    [0, 0, 0],
    [0, 1, 0],
    [0, 400 * dayMs, 0],
  ])('until %i, at %i: %i', (atMs, nowMs, expected) => {
    expect(daysLeft(atMs, nowMs)).toBe(expected);
  });
});

describe(countdownStep, () => {
  test.each([
    [400, undefined],
    [31, undefined],
    [30, 30],
    [15, 30],
    [14, 14],
    [8, 14],
    [7, 7],
    [4, 7],
    [3, 3],
    [2, 3],
    [1, 1],
    [0, 0],
  ])('with %i days left: %j', (left, expected) => {
    expect(countdownStep(left, certificateWarningDays)).toBe(expected);
  });
});
