import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LoadWatch } from '../../src/telemetry/load-watch.ts';

/** A watch, and what it sees. */
class Watched {
  readonly lines: { readonly event: string; readonly cause?: string; readonly durationMs?: number }[] = [];
  waitingMs = 0;
  memoryShare = 0.5;
  memoryReadings = 0;
  #nowMs = 0;
  readonly watch = new LoadWatch({
    maxDelayMs: () => 500,
    memoryShare: () => {
      this.memoryReadings += 1;
      return this.memoryShare;
    },
    countSessions: () => 10,
    waitingMs: () => this.waitingMs,
    log: pino({ base: null }, { write: (line: string) => void this.lines.push(JSON.parse(line)) }),
    nowMs: () => this.#nowMs,
  });

  /** Lets so much time pass in turns of the event loop that take `turnMs` each. */
  pass(ms: number, turnMs = 100): void {
    for (let passed = 0; passed < ms; passed += turnMs) {
      this.#nowMs += turnMs;
      vi.advanceTimersByTime(100);
    }
  }
}

describe('LoadWatch', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('says nothing while nothing is wrong', () => {
    const seen = new Watched();
    seen.pass(60_000);
    expect(seen.watch.cause).toBeUndefined();
    expect(seen.lines).toEqual([]);
  });

  it('reads the memory once a second', () => {
    const seen = new Watched();
    seen.pass(10_000);
    expect(seen.memoryReadings).toBe(10);
  });

  it('sees that each turn takes too long, and that it is over', () => {
    const seen = new Watched();
    seen.pass(2_800, 700);
    expect(seen.watch.cause).toBe('delay');
    seen.pass(2_100);
    expect(seen.watch.cause).toBeUndefined();
  });

  it('sees that a queue is too long, however fast turns are', () => {
    const seen = new Watched();
    seen.waitingMs = 501;
    seen.pass(1_200);
    expect(seen.watch.cause).toBe('delay');
  });

  it('sees that memory is used up', () => {
    const seen = new Watched();
    seen.pass(1_000);
    seen.memoryShare = 1.1;
    seen.pass(1_000);
    expect(seen.watch.cause).toBe('memory');
  });

  it('tells once of overload that comes and goes, and once that it is over', () => {
    const seen = new Watched();
    for (let time = 0; time < 5; time += 1) {
      seen.pass(2_800, 700);
      seen.pass(3_000);
    }
    expect(seen.lines).toMatchObject([{ event: 'overloaded', cause: 'delay' }]);
    seen.pass(10_000);
    expect(seen.watch.cause).toBeUndefined();
    expect(seen.lines).toMatchObject([{ event: 'overloaded' }, { event: 'overloadOver' }]);
    // From the first to the last moment of it.
    expect(seen.lines[1]?.durationMs).toBeGreaterThan(20_000);
    expect(seen.lines[1]?.durationMs).toBeLessThan(28_000);
    seen.pass(2_800, 700);
    expect(seen.lines.map(({ event }) => event)).toEqual(['overloaded', 'overloadOver', 'overloaded']);
  });

  it('leaves no timer behind', () => {
    const { watch } = new Watched();
    watch[Symbol.dispose]();
    expect(vi.getTimerCount()).toBe(0);
  });
});
