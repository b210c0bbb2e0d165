import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startDeadline } from '../../../src/net/redis/answer-deadline.ts';

function holdUpMs(durationMs: number): void {
  const endMs = performance.now() + durationMs;
  while (performance.now() < endMs);
}

test('calls back when the time is over', async () => {
  const startMs = performance.now();
  await new Promise<void>((resolve) => void startDeadline(20, resolve));
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(19);
});

test('does not call back once it is called off', async () => {
  let isExpired = false;
  const callOff = startDeadline(5, () => {
    isExpired = true;
  });
  callOff();
  await delay(30);
  expect(isExpired).toBe(false);
});

test('gives the whole time again to a process that was held up', async () => {
  let isExpired = false;
  const startMs = performance.now();
  const expired = new Promise<void>((resolve) => {
    startDeadline(40, () => {
      isExpired = true;
      resolve();
    });
  });
  holdUpMs(100);
  await setImmediate();
  expect(isExpired).toBe(false);
  await expired;
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(139);
});
