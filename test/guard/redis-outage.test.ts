import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { LoginGuard } from '../../src/guard/guard.ts';
import type { GateEvent } from '../../src/proxy/events.ts';
import { StoreUnavailable } from '../../src/proxy/store-unavailable.ts';
import { program } from '../support/programs.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import {
  attemptOf,
  guess,
  type LimitsUnderTest,
  limitsOf,
  logIn,
  openGuard,
  recordEvents,
  verdictOn,
} from './fixtures.ts';

const recoveryMs = 10_000;

interface GuardUnderTest extends AsyncDisposable {
  readonly guard: LoginGuard;
  readonly events: GateEvent[];
}

interface Tested extends LimitsUnderTest {
  readonly timeoutMs?: number;
  /** No hashing key is configured. */
  readonly isKeyless?: boolean;
}

function create(url: string, { timeoutMs = 2_000, isKeyless = false, ...tested }: Tested): GuardUnderTest {
  const { events, report } = recordEvents();
  const { hashKey = '', ...limitsWithoutKey } = limitsOf({ perAccount: { threshold: 2 }, ...tested });
  const limits = isKeyless ? limitsWithoutKey : { ...limitsWithoutKey, hashKey };
  const guard = openGuard({ limits, report, redis: { url, keyPrefix: 'postern:', timeoutMs } });
  return { guard, events, [Symbol.asyncDispose]: () => guard[Symbol.asyncDispose]() };
}

async function becomes(guard: LoginGuard, isUp: boolean): Promise<void> {
  await vi.waitFor(() => expect(guard.store.isUp).toBe(isUp), { timeout: recoveryMs, interval: 20 });
}

describe.skipIf(program('redis-server') === undefined)('a guard whose Redis fails', () => {
  let server: RedisServer;
  beforeEach(async () => {
    server = await startRedis();
  });
  afterEach(() => server[Symbol.asyncDispose]());

  test('limits from its own memory, keeps the blocks and the owners it knows, and goes back to Redis', async () => {
    await using tested = create(server.url, { onStoreFailure: 'local' });
    await logIn(tested.guard, { address: '203.0.113.7', outcome: 'accepted' });
    await guess(tested.guard, { times: 2 });
    await server.kill();
    await becomes(tested.guard, false);

    expect(await verdictOn(tested.guard)).toBe('limit perAccount');
    expect(await verdictOn(tested.guard, { address: '203.0.113.7' })).toBe('allowed');
    await guess(tested.guard, { times: 2, account: 'bob@att.net' });
    expect(await verdictOn(tested.guard, { account: 'bob@att.net' })).toBe('limit perAccount');
    expect((await tested.guard.listBlocks()).map(({ subject }) => subject).toSorted()).toEqual([
      'alice@att.net',
      'bob@att.net',
    ]);
    expect((await tested.guard.countBlocks()).perAccount).toBe(2);
    expect((await tested.guard.describeAccount('bob@att.net')).local).toBe(true);

    await server.restart();
    await becomes(tested.guard, true);
    // Redis forgot everything; what is known here holds.
    expect(await verdictOn(tested.guard)).toBe('limit perAccount');
    expect(await verdictOn(tested.guard, { address: '203.0.113.7' })).toBe('allowed');
    await guess(tested.guard, { times: 2, account: 'carol@att.net' });
    expect((await tested.guard.describeAccount('carol@att.net')).blocks).toMatchObject([{ limit: 'perAccount' }]);
  });

  test('lets no login be tried without Redis where it is told to refuse, except from exempt addresses', async () => {
    const exempt = { includes: (address: string) => address === '203.0.113.7', blocks: [] };
    await using tested = create(server.url, { onStoreFailure: 'refuse', exempt });
    const underWay = attemptOf();
    expect((await tested.guard.admit(underWay)).kind).toBe('allowed');
    await server.kill();
    await becomes(tested.guard, false);

    expect(await tested.guard.admit(attemptOf())).toMatchObject({
      reason: 'store',
      delayMs: 0,
      reply: expect.stringMatching(/^\[SYS\/TEMP\] /),
    });
    expect(await verdictOn(tested.guard, { address: '203.0.113.7' })).toBe('allowed');
    await expect(tested.guard.settle(underWay, 'refused')).resolves.toEqual({ delayMs: 0 });
    tested.guard.release(underWay);
    await expect(tested.guard.listBlocks()).rejects.toThrow(StoreUnavailable);
    await expect(tested.guard.liftBlock('perAccount.YQ', 'ops')).rejects.toThrow(StoreUnavailable);
    await expect(tested.guard.describeAccount('alice@att.net')).rejects.toThrow(StoreUnavailable);
    expect((await tested.guard.countBlocks()).perAccount).toBe(0);

    await server.restart();
    await becomes(tested.guard, true);
    expect(await verdictOn(tested.guard)).toBe('allowed');
  });

  test('answers every login of a burst that Redis leaves hanging, and tells each change once', async () => {
    await using tested = create(server.url, { onStoreFailure: 'local', timeoutMs: 200 });
    await logIn(tested.guard, { outcome: 'accepted' });
    server.pause();
    const burst = Array.from({ length: 50 }, () => logIn(tested.guard, { outcome: 'accepted' }));
    expect((await Promise.all(burst)).every(({ kind }) => kind === 'allowed')).toBe(true);
    server.resume();
    await becomes(tested.guard, true);
    const changes = tested.events.flatMap((event) => (event.kind === 'storeChanged' ? [event.isUp] : []));
    expect(changes).toEqual([true, false, true]);
  });

  test.each([
    ['local', 'allowed'],
    ['refuse', 'store'],
  ] as const)('starts without Redis and finds it later (%s)', async (onStoreFailure, verdict) => {
    await server.kill();
    await using tested = create(server.url, { onStoreFailure });
    expect(await verdictOn(tested.guard)).toBe(verdict);
    expect(tested.guard.store).toEqual({ kind: 'redis', isUp: false });
    await server.restart();
    await becomes(tested.guard, true);
    await guess(tested.guard, { times: 2 });
    expect(await verdictOn(tested.guard)).toBe('limit perAccount');
  });

  test('agrees with the other instances on a hashing key once Redis is there', async () => {
    await using one = create(server.url, { isKeyless: true });
    await using two = create(server.url, { isKeyless: true });
    await logIn(one.guard, { password: 'stale', outcome: 'refused' });
    expect(await verdictOn(two.guard, { password: 'stale' })).toBe('remembered');
  });
});
