import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Drain } from '../../src/commands/drain.ts';

interface DrainUnderTest {
  readonly drain: Drain;
  /** What was done, in order. */
  readonly done: string[];
  readonly lines: { event: string; sessions?: number }[];
  /** Ends the last session. */
  readonly end: () => void;
}

function makeDrain({ delayMs = 0, timeoutMs = 60_000, sessions = 3 } = {}): DrainUnderTest {
  const done: string[] = [];
  const lines: DrainUnderTest['lines'] = [];
  const ended = Promise.withResolvers<void>();
  const drain = new Drain({
    gate: {
      drain: ({ timeoutMs: limitMs, signal }) => {
        done.push(`gate drains for ${limitMs} ms`);
        signal?.addEventListener('abort', () => ended.resolve());
        if (signal?.aborted) ended.resolve();
        return ended.promise;
      },
    },
    closeListeners: () => done.push('listeners close'),
    countSessions: () => sessions,
    times: () => ({ drainDelayMs: delayMs, drainTimeoutMs: timeoutMs }),
    log: pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) }),
  });
  return { drain, done, lines, end: ended.resolve };
}

const inOrder = ['listeners close', 'gate drains for 60000 ms'];

describe('Drain', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('without a delay closes the listeners before anything else happens', async () => {
    const { drain, done, end } = makeDrain();
    expect(drain.isUnderWay).toBe(false);
    const drained = drain.begin();
    expect(drain.isUnderWay).toBe(true);
    expect(done).toEqual(inOrder);
    end();
    await drained;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is announced for the delay, while clients are let in', async () => {
    const { drain, done, end } = makeDrain({ delayMs: 10_000 });
    const drained = drain.begin();
    await vi.advanceTimersByTimeAsync(9_999);
    expect(drain.isUnderWay).toBe(true);
    expect(done).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(done).toEqual(inOrder);
    end();
    await drained;
  });

  it('joins a second wish with the first', async () => {
    const { drain, done, end } = makeDrain();
    const both = Promise.all([drain.begin(), drain.begin()]);
    end();
    await both;
    expect(done).toEqual(inOrder);
  });

  it('in haste waits neither for the delay nor for sessions', async () => {
    const { drain, done } = makeDrain({ delayMs: 10_000 });
    const drained = drain.begin();
    drain.hurry();
    await drained;
    expect(done).toEqual(inOrder);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('tells every five seconds how many sessions are left, and when there is none', async () => {
    const { drain, lines, end } = makeDrain({ delayMs: 4_000, sessions: 7 });
    const drained = drain.begin();
    await vi.advanceTimersByTimeAsync(10_000);
    end();
    await drained;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(lines.map(({ event, sessions }) => [event, sessions])).toEqual([
      ['draining', 7],
      ['drainProgress', 7],
      ['drainProgress', 7],
      ['drained', undefined],
    ]);
  });
});
