import { expect, it } from 'vitest';
import { PauseMeter } from '../../src/proxy/relay-meter.ts';

it('sums the time of all pauses, those under way included', () => {
  let nowMs = 1_000;
  const meter = new PauseMeter(() => nowMs);
  expect([meter.count, meter.durationMs]).toEqual([0, 0]);
  meter.begin();
  nowMs += 20;
  meter.begin();
  nowMs += 5;
  expect([meter.count, meter.durationMs]).toEqual([2, 30]);
  meter.end();
  nowMs += 100;
  meter.end();
  nowMs += 1_000;
  expect([meter.count, meter.durationMs]).toEqual([2, 130]);
});
