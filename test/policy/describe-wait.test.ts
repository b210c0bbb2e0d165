import { expect, it } from 'vitest';
import { describeWait } from '../../src/policy/describe-wait.ts';

it.each([
  [0, '1 second'],
  [1, '1 second'],
  [1001, '2 seconds'],
  [119_000, '119 seconds'],
  [119_001, '2 minutes'],
  [300_000, '5 minutes'],
  [119 * 60_000, '119 minutes'],
  [119 * 60_000 + 1, '2 hours'],
  [86_400_000, '24 hours'],
])('a wait of %d ms is %s', (ms, words) => {
  expect(describeWait(ms)).toBe(words);
});
