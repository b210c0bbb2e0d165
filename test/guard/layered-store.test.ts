import { describe, expect, test } from 'vitest';
import { createGuard } from '../../src/guard/guard.ts';
import type { Settlement } from '../../src/guard/guard-ports.ts';
import type { GuardStore } from '../../src/guard/guard-store.ts';
import { HashKey } from '../../src/guard/hash-key.ts';
import { MemoryStore } from '../../src/guard/memory-store.ts';
import { SharedClock } from '../../src/guard/shared-clock.ts';
import type { BlockName, StoredBlock } from '../../src/policy/guard/facts.ts';
import { StoreUnavailable } from '../../src/proxy/store-unavailable.ts';
import { guess, hourMs, type LimitsUnderTest, limitsOf, logIn, recordEvents, upstream, verdictOn } from './fixtures.ts';

const startMs = 1_800_000_000_000;

/** A store that can be asked, or not, and forgets everything when it is told to; it tells what it was asked. */
class FakeSharedStore {
  isUp = true;
  nowMs = startMs;
  readonly calls: string[] = [];
  readonly #make: () => MemoryStore;
  #store: MemoryStore;

  constructor(tested: LimitsUnderTest) {
    this.#make = () => new MemoryStore({ limits: limitsOf(tested), nowMs: () => this.nowMs });
    this.#store = this.#make();
  }

  flush(): void {
    this.#store = this.#make();
  }

  get store(): GuardStore {
    return new Proxy<GuardStore>(this.#store, {
      get:
        (_, name: keyof GuardStore) =>
        (...parameters: never[]) => {
          this.calls.push(name);
          if (!this.isUp) return Promise.reject(new StoreUnavailable('away'));
          const call: (...all: never[]) => Promise<unknown> = this.#store[name];
          return call.apply(this.#store, parameters);
        },
    });
  }
}

function create(tested: LimitsUnderTest, shared = new FakeSharedStore(tested)) {
  const journaled: Settlement[] = [];
  const news: (readonly StoredBlock[] | BlockName)[] = [];
  const { events, report } = recordEvents();
  const guard = createGuard({
    limits: limitsOf(tested),
    report,
    shared,
    key: new HashKey({ secret: 'one' }),
    clock: new SharedClock(() => startMs),
    journal: {
      holds: (account) => journaled.some(({ login }) => login.account === account),
      add: (settlement) => journaled.push(settlement),
    },
    news: { placed: (blocks) => news.push(blocks), lifted: (name) => news.push(name) },
  });
  return { guard, shared, journaled, news, events };
}

describe('a guard with a shared store', () => {
  test('asks it once for a login of an owner that teaches nothing, and twice for any other', async () => {
    const { guard, shared } = create({});
    await logIn(guard, { outcome: 'accepted' });
    expect(shared.calls.splice(0)).toEqual(['look', 'noteAccepted']);
    await logIn(guard, { outcome: 'accepted' });
    expect(shared.calls.splice(0)).toEqual(['look']);
    await guess(guard, { times: 1 });
    expect(shared.calls.splice(0)).toEqual(['look', 'countFailure']);
    await logIn(guard, { outcome: 'accepted' });
    expect(shared.calls.splice(0)).toEqual(['look', 'noteAccepted']);
    await logIn(guard, { outcome: 'accepted', upstream: { ...upstream, minPollIntervalMs: 0 } });
    expect(shared.calls.splice(0)).toEqual(['look']);
    shared.nowMs += hourMs;
    await logIn(guard, { outcome: 'accepted', upstream: { ...upstream, minPollIntervalMs: hourMs } });
    expect(shared.calls.splice(0)).toEqual(['look', 'noteAccepted']);
  });

  test('gives a reservation back when a login comes to nothing, or is refused for another reason', async () => {
    const { guard, shared } = create({ perNetwork: { threshold: 1 } });
    await verdictOn(guard);
    expect(shared.calls.splice(0)).toEqual(['look', 'release']);
    await guess(guard, { times: 1, account: 'bob@att.net' });
    shared.calls.splice(0);
    expect(await verdictOn(guard)).toBe('limit perNetwork');
    expect(shared.calls.splice(0)).toEqual(['look', 'release']);
  });

  test('keeps blocks and owners when the store forgets them, and tells it of the owner again', async () => {
    const { guard, shared } = create({ perAccount: { threshold: 1 } });
    await logIn(guard, { outcome: 'accepted' });
    await guess(guard, { times: 1, address: '198.51.100.7' });
    shared.flush();
    expect(await verdictOn(guard, { address: '198.51.100.8' })).toBe('limit perAccount');
    await logIn(guard, { outcome: 'accepted' });
    const { knownAddresses } = await shared.store.describeAccount('alice@att.net');
    expect(knownAddresses).toMatchObject([{ address: '192.0.2.7' }]);
  });

  test('journals how logins end while the store is away, and whatever an account does behind that', async () => {
    const { guard, shared, journaled } = create({});
    shared.isUp = false;
    await guess(guard, { times: 1 });
    shared.isUp = true;
    await logIn(guard, { outcome: 'accepted' });
    await logIn(guard, { account: 'bob@att.net', outcome: 'accepted' });
    expect(journaled).toMatchObject([
      { outcome: 'refused', atMs: startMs, login: { account: 'alice@att.net' } },
      { outcome: 'accepted', atMs: startMs, login: { account: 'alice@att.net' } },
    ]);
    expect(JSON.stringify(journaled)).not.toMatch(/guess 1|open sesame/);
  });

  test('tells the others of a block before it is lifted, and of one that was placed', async () => {
    const { guard, news, shared } = create({ perAccount: { threshold: 1 } });
    await guess(guard, { times: 1 });
    const [block] = await guard.listBlocks();
    shared.calls.splice(0);
    await guard.liftBlock(block?.id ?? '', 'ops');
    expect(news).toMatchObject([
      [{ limit: 'perAccount', subject: 'alice@att.net', strikes: 1 }],
      { limit: 'perAccount', subject: 'alice@att.net' },
    ]);
    expect(await verdictOn(guard)).toBe('allowed');
  });

  test("tells how long a block lasts by the store's clock, however wrong its own is", async () => {
    const tested = { perAddress: { threshold: 1, blockMs: 60_000 } };
    const { guard, shared, events } = create(tested);
    shared.nowMs = startMs - 24 * hourMs;
    await guess(guard, { times: 1 });
    expect(events).toContainEqual(expect.objectContaining({ kind: 'loginBlocked', durationMs: 60_000 }));
    expect(guard.refusesAddress('192.0.2.7')).toEqual({ limit: 'perAddress', retryAfterMs: 60_000 });
  });

  test('counts the live sessions of all instances, its own exactly', async () => {
    const { guard, shared } = create({ sessionsPerAccount: 2 });
    const sessionOf = (sessionId: string) => ({ account: 'alice@att.net', sessionId });
    const live = ['there-1', 'here-1'].map(sessionOf);
    await shared.store.noteSessions({ live, ended: [] });
    // It ended here, which the store does not know yet.
    expect(await verdictOn(guard)).toBe('allowed');
    guard.openSession(sessionOf('here-2'));
    expect(await verdictOn(guard)).toBe('in_use');
    guard.closeSession(sessionOf('here-2'));
    expect(await verdictOn(guard)).toBe('allowed');
  });

  test('does not hide an error that is no outage', async () => {
    const { guard, shared } = create({});
    const broken = { ...shared.store, look: () => Promise.reject(new TypeError('a mistake')) };
    Object.defineProperty(shared, 'store', { get: () => broken });
    await expect(verdictOn(guard)).rejects.toThrow('a mistake');
  });
});
