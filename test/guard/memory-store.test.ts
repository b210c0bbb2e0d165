import { describe, expect, test } from 'vitest';
import { createGuard, type LoginGuard } from '../../src/guard/guard.ts';
import { MemoryStore } from '../../src/guard/memory-store.ts';
import { maxCountedSubjects } from '../../src/guard/window-table.ts';
import { reservationLeaseMs } from '../../src/policy/guard/bounds.ts';
import {
  attemptOf,
  createClock,
  dayMs,
  guess,
  hourMs,
  type LimitsUnderTest,
  limitsOf,
  logIn,
  minuteMs,
  recordEvents,
  upstream,
  verdictOn,
} from './fixtures.ts';

interface Tested {
  readonly guard: LoginGuard;
  readonly pass: (ms: number) => void;
  /** Of the blocks so far, minutes. */
  readonly durations: () => readonly number[];
}

function create(tested: LimitsUnderTest): Tested {
  const { events, report } = recordEvents();
  const { clock, pass } = createClock();
  const durations = () =>
    events.flatMap((event) => (event.kind === 'loginBlocked' ? [event.durationMs / minuteMs] : []));
  return { guard: createGuard({ limits: limitsOf(tested), report, clock }), pass, durations };
}

describe('a guard with its limits in memory', () => {
  test('ends a block when its time is over', async () => {
    const { guard, pass } = create({ perAddress: { threshold: 1, blockMs: minuteMs } });
    await guess(guard, { times: 1 });
    pass(minuteMs - 1);
    expect(await guard.admit(attemptOf())).toMatchObject({ reason: 'limit', retryAfterMs: 1 });
    expect(guard.refusesAddress('192.0.2.7')).toEqual({ limit: 'perAddress', retryAfterMs: 1 });
    pass(1);
    expect(await verdictOn(guard)).toBe('allowed');
    expect(guard.refusesAddress('192.0.2.7')).toBeUndefined();
    expect(await guard.listBlocks()).toEqual([]);
    expect((await guard.countBlocks()).perAddress).toBe(0);
  });

  test('forgets failures one by one as they leave the window', async () => {
    const { guard, pass } = create({ perAccount: { threshold: 3, windowMs: 10 * minuteMs } });
    await guess(guard, { times: 1 });
    pass(9 * minuteMs);
    await guess(guard, { times: 1, first: 2 });
    pass(2 * minuteMs);
    await guess(guard, { times: 1, first: 3 });
    expect(await verdictOn(guard)).toBe('allowed');
    await guess(guard, { times: 1, first: 4 });
    expect(await verdictOn(guard)).toBe('limit perAccount');
  });

  test('doubles the blocks of one who comes back, up to the longest, one guess at a time while the window is full', async () => {
    const limit = { threshold: 3, windowMs: dayMs, blockMs: minuteMs, maxBlockMs: 6 * minuteMs };
    const { guard, pass, durations } = create({ passwordsPerAccount: limit });
    await guess(guard, { times: 3 });
    for (let first = 4; first <= 7; first += 1) {
      pass((durations().at(-1) ?? 0) * minuteMs);
      await guess(guard, { times: 1, first });
    }
    expect(durations()).toEqual([1, 2, 4, 6, 6]);
  });

  test('forgives a strike for each longest block that passes quietly', async () => {
    const limit = { threshold: 1, windowMs: minuteMs, blockMs: minuteMs, maxBlockMs: 4 * minuteMs };
    const { guard, pass, durations } = create({ perAccount: limit });
    for (const quietMinutes of [1, 2, 4 + 4, 4 + 12]) {
      await guess(guard, { times: 1, first: durations().length });
      pass(quietMinutes * minuteMs);
    }
    await guess(guard, { times: 1, first: 10 });
    expect(durations()).toEqual([1, 2, 4, 4, 1]);
  });

  test('holds a block of many weeks', async () => {
    const { guard, pass } = create({ perAccount: { threshold: 1, blockMs: 60 * dayMs, maxBlockMs: 60 * dayMs } });
    await guess(guard, { times: 1 });
    pass(20 * dayMs);
    expect(await verdictOn(guard)).toBe('limit perAccount');
  });

  test('tries a stale password four times a day, no more', async () => {
    const { guard, pass } = create({ refusedPasswordsMs: 6 * hourMs });
    let refusals = 0;
    for (let elapsedMs = 0; elapsedMs < dayMs; elapsedMs += 5 * minuteMs) {
      const { kind } = await logIn(guard, { password: 'stale', outcome: 'refused' });
      if (kind === 'allowed') refusals += 1;
      pass(5 * minuteMs);
    }
    expect(refusals).toBe(4);
  });

  test("tries an owner's refused password soon again, and no more than four times a day", async () => {
    const { guard, pass } = create({ refusedPasswordsMs: 6 * hourMs });
    await logIn(guard, { password: 'held', outcome: 'accepted' });
    const triedAtMs: number[] = [];
    for (let elapsedMs = 0; elapsedMs < 2 * dayMs; elapsedMs += 5 * minuteMs) {
      const { kind } = await logIn(guard, { password: 'held', outcome: 'refused' });
      if (kind === 'allowed') triedAtMs.push(elapsedMs);
      pass(5 * minuteMs);
    }
    expect(triedAtMs.slice(0, 4)).toEqual([0, 0.5, 8.5, 16.5].map((hours) => hours * hourMs));
    for (const [index, ms] of triedAtMs.entries()) {
      expect(ms - (triedAtMs[index - 4] ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(dayMs);
    }
  });

  test('keeps an owner out for half an hour when the provider refused the right password for a moment', async () => {
    const { guard, pass } = create({ refusedPasswordsMs: 6 * hourMs });
    await logIn(guard, { outcome: 'accepted' });
    await logIn(guard, { outcome: 'refused' });
    pass(30 * minuteMs);
    expect((await logIn(guard, { outcome: 'accepted' })).kind).toBe('allowed');
  });

  test('tries a stale password no more often for passwords that change meanwhile', async () => {
    const { guard, pass } = create({ refusedPasswordsMs: 6 * hourMs });
    const triedAtMs: number[] = [];
    for (let elapsedMs = 0; elapsedMs < 4 * dayMs; elapsedMs += 5 * minuteMs) {
      const { kind } = await logIn(guard, { password: 'stale', outcome: 'refused' });
      if (kind === 'allowed') triedAtMs.push(elapsedMs);
      const isChanged = elapsedMs % (7 * hourMs) === 0;
      const password = `right ${elapsedMs}`;
      if (isChanged) await logIn(guard, { password, address: '198.51.100.7', outcome: 'accepted' });
      pass(5 * minuteMs);
    }
    // Those ahead of time among them.
    expect(triedAtMs.slice(0, 2)).toEqual([0, 5 * minuteMs]);
    for (const [index, ms] of triedAtMs.entries()) {
      expect(ms - (triedAtMs[index - 4] ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(dayMs);
    }
  });

  test('tries a password again that was changed back, as often as it was not tried today', async () => {
    const { guard, pass } = create({ refusedPasswordsMs: 6 * hourMs });
    const change = async (to: string): Promise<void> => {
      await logIn(guard, { password: to, address: '198.51.100.7', outcome: 'accepted' });
    };
    for (const other of ['one', 'two', 'three']) {
      await logIn(guard, { password: 'old', outcome: 'refused' });
      await change(other);
      expect(await verdictOn(guard, { password: 'old' })).toBe('allowed');
    }
    await logIn(guard, { password: 'old', outcome: 'refused' });
    await change('four');
    expect(await verdictOn(guard, { password: 'old' })).toBe('remembered');
    pass(dayMs);
    expect(await verdictOn(guard, { password: 'old' })).toBe('allowed');
  });

  test('takes an address for a stranger once nobody logged in from there for long enough', async () => {
    const { guard, pass } = create({ perAccount: { threshold: 1, blockMs: 60 * dayMs, maxBlockMs: 60 * dayMs } });
    await logIn(guard, { outcome: 'accepted' });
    await guess(guard, { times: 1, address: '198.51.100.7' });
    pass(30 * dayMs - 1);
    expect(await verdictOn(guard)).toBe('allowed');
    pass(1);
    expect(await verdictOn(guard)).toBe('limit perAccount');
  });

  test('lets a targeted guesser send no more than 20 passwords a day upstream with the default limits', async () => {
    const { guard, pass } = create({
      perAccount: { threshold: 10, windowMs: 10 * minuteMs, blockMs: 5 * minuteMs, maxBlockMs: dayMs },
      passwordsPerAccount: { threshold: 10, windowMs: dayMs, blockMs: hourMs, maxBlockMs: dayMs },
    });
    for (let day = 0; day < 5; day += 1) {
      let sent = 0;
      for (let index = 0; index < 24 * 60; index += 1) {
        const address = `198.51.${index % 100}.${day}`;
        const attempt = { address, password: `guess ${day} ${index}`, outcome: 'refused' } as const;
        if ((await logIn(guard, attempt)).kind === 'allowed') sent += 1;
        pass(minuteMs);
      }
      expect(sent).toBeLessThanOrEqual(20);
    }
  });

  test('permits the next poll when the pace is kept', async () => {
    const { guard, pass } = create({});
    const paced = { upstream: { ...upstream, minPollIntervalMs: 15 * minuteMs } };
    await logIn(guard, { ...paced, outcome: 'accepted' });
    pass(15 * minuteMs - 1);
    expect(await verdictOn(guard, paced)).toBe('pace');
    pass(1);
    expect(await verdictOn(guard, paced)).toBe('allowed');
  });

  test('ends a reservation whose login was never told to be over', async () => {
    const { guard, pass } = create({ perAccount: { threshold: 1 } });
    await guard.admit(attemptOf({ address: '198.51.100.7' }));
    expect(await verdictOn(guard, { password: 'another' })).toBe('busy perAccount');
    pass(reservationLeaseMs);
    expect(await verdictOn(guard, { password: 'another' })).toBe('allowed');
  });
});

describe('MemoryStore', () => {
  test('forgets neither blocks nor owners in a flood of names', async () => {
    const { clock } = createClock();
    const limits = limitsOf({ perAccount: { threshold: 2, blockMs: dayMs, maxBlockMs: dayMs } });
    const store = new MemoryStore({ limits, nowMs: clock.nowMs });
    const loginOf = (account: string, credential: string) => ({
      ...{ sessionId: credential, account, credential, accountHash: account, isExempt: false },
      ...{ address: '192.0.2.7', network: '192.0.2.0/24' },
    });
    const owner = { ...loginOf('owner', 'right'), address: '203.0.113.7', network: '203.0.113.0/24' };
    await store.noteAccepted(owner, { pairMembers: [] });
    for (const credential of ['one', 'two']) await store.countFailure(loginOf('victim', credential));
    for (let index = 0; index < 2 * maxCountedSubjects; index += 1) {
      await store.countFailure(loginOf(`name ${index}`, `credential ${index}`));
    }
    expect((await store.look(owner)).knownSinceMs).toBe(clock.nowMs());
    expect(store.blocks().map(({ subject }) => subject)).toEqual(['victim']);
    const countOf = async (account: string) => (await store.describeAccount(account)).counts.perAccount;
    expect(await countOf('name 0')).toBe(0);
    expect(await countOf(`name ${2 * maxCountedSubjects - 1}`)).toBe(1);
  });
});
