import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createGuard } from '../../src/guard/guard.ts';
import { alice, type LimitsUnderTest, limitsOf, recordEvents, refuse } from './fixtures.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const minuteMs = 60_000;

function create(tested: LimitsUnderTest) {
  const { events, report } = recordEvents();
  const durations = () =>
    events.flatMap((event) => (event.kind === 'loginBlocked' ? [event.durationMs / minuteMs] : []));
  return { guard: createGuard({ limits: limitsOf(tested), report }), durations };
}

describe('MemoryStore', () => {
  test('ends a block when its time is over', async () => {
    const { guard } = create({ perAccount: { failures: 1, blockMs: minuteMs } });
    await guard.settle(alice, 'refused');
    vi.advanceTimersByTime(minuteMs - 1);
    expect(await guard.admit(alice)).toEqual({ kind: 'blocked', limit: 'perAccount', retryAfterMs: 1 });
    vi.advanceTimersByTime(1);
    expect(await guard.admit(alice)).toEqual({ kind: 'allowed' });
    expect(await guard.listBlocks()).toEqual([]);
    expect((await guard.countBlocks()).perAccount).toBe(0);
  });

  test('forgets failures when their window is over', async () => {
    const { guard } = create({ perAccount: { failures: 3, windowMs: 10 * minuteMs } });
    await refuse(guard, { ...alice, times: 2 });
    vi.advanceTimersByTime(10 * minuteMs);
    await refuse(guard, { ...alice, times: 2 });
    expect((await guard.admit(alice)).kind).toBe('allowed');
  });

  test('doubles the blocks of one who comes back, up to the longest', async () => {
    const { guard, durations } = create({ perAccount: { failures: 1, blockMs: minuteMs, maxBlockMs: 6 * minuteMs } });
    for (let strike = 1; strike <= 5; strike += 1) {
      await guard.settle(alice, 'refused');
      vi.advanceTimersByTime((durations().at(-1) ?? 0) * minuteMs);
    }
    expect(durations()).toEqual([1, 2, 4, 6, 6]);
  });

  test('remembers earlier blocks for the longest block after the last one ended', async () => {
    const { guard, durations } = create({ perAccount: { failures: 1, blockMs: minuteMs, maxBlockMs: 6 * minuteMs } });
    await guard.settle(alice, 'refused');
    vi.advanceTimersByTime((1 + 6) * minuteMs - 1);
    await guard.settle(alice, 'refused');
    vi.advanceTimersByTime((2 + 6) * minuteMs);
    await guard.settle(alice, 'refused');
    expect(durations()).toEqual([1, 2, 1]);
  });

  test('holds a block of many weeks', async () => {
    const dayMs = 24 * 60 * minuteMs;
    const { guard } = create({ perAccount: { failures: 1, blockMs: 60 * dayMs, maxBlockMs: 60 * dayMs } });
    await guard.settle(alice, 'refused');
    vi.advanceTimersByTime(20 * dayMs);
    expect((await guard.admit(alice)).kind).toBe('blocked');
  });
});
