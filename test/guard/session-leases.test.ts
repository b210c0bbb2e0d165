import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SessionLeases } from '../../src/guard/session-leases.ts';
import { StoreUnavailable } from '../../src/proxy/store-unavailable.ts';

const session = (id: string) => ({ account: 'alice@att.net', sessionId: id });

let leases: SessionLeases;
let isAway: boolean;
/** What each call told: `+` live, `-` ended. */
let calls: string[];

beforeEach(() => {
  vi.useFakeTimers();
  isAway = false;
  calls = [];
  leases = new SessionLeases({
    nowMs: Date.now,
    store: {
      noteSessions: async ({ live, ended }) => {
        const told = [...live.map((each) => `+${each.sessionId}`), ...ended.map((each) => `-${each.sessionId}`)];
        calls.push(told.length > 4 ? `${told.length} sessions` : told.join(' '));
        if (isAway) throw new StoreUnavailable('Cannot ask the test: it is away');
      },
    },
  });
});

afterEach(async () => {
  await leases[Symbol.asyncDispose]();
  vi.useRealTimers();
});

const passMs = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('live sessions', () => {
  it('are told of together, and so are their ends', async () => {
    leases.opened(session('a'));
    leases.opened(session('b'));
    await passMs(99);
    expect(calls).toEqual([]);
    await passMs(1);
    expect(calls).toEqual(['+a +b']);
    leases.closed(session('a'));
    leases.opened(session('c'));
    await passMs(100);
    expect(calls).toEqual(['+a +b', '+c -a']);
  });

  it('that are over before anybody was told are never told of', async () => {
    leases.opened(session('a'));
    leases.closed(session('a'));
    await passMs(60_000);
    expect(calls).toEqual([]);
  });

  it('are renewed while they live', async () => {
    leases.opened(session('a'));
    await passMs(20_000);
    leases.opened(session('b'));
    await passMs(10_200);
    expect(calls).toEqual(['+a', '+b', '+a']);
    await passMs(20_000);
    expect(calls.slice(3)).toEqual(['+b']);
    leases.closed(session('a'));
    await passMs(100);
    expect(calls.slice(4)).toEqual(['-a']);
  });

  it('are told of again when the store is back, with those that ended meanwhile', async () => {
    leases.opened(session('a'));
    leases.opened(session('b'));
    await passMs(100);
    isAway = true;
    leases.closed(session('a'));
    await passMs(100);
    leases.opened(session('c'));
    leases.closed(session('b'));
    await passMs(5_000);
    isAway = false;
    calls = [];
    await passMs(5_000);
    expect(calls).toEqual(['+c -a -b']);
    await passMs(20_000);
    expect(calls).toHaveLength(1);
  });

  it('are told of in batches where there are many', async () => {
    for (let index = 0; index < 1_200; index += 1) leases.opened(session(`s${index}`));
    await passMs(300);
    expect(calls).toEqual(['500 sessions', '500 sessions', '200 sessions']);
  });

  it('are told to be over when the process ends, and not told of any more', async () => {
    leases.opened(session('a'));
    await passMs(100);
    leases.opened(session('b'));
    leases.closed(session('a'));
    await leases[Symbol.asyncDispose]();
    leases.opened(session('c'));
    await passMs(60_000);
    expect(calls).toEqual(['+a', '-a']);
  });
});
