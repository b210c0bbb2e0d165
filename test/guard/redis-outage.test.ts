import { once } from 'node:events';
import { createServer } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { LoginGuard } from '../../src/guard/guard.ts';
import type { GateEvent } from '../../src/proxy/events.ts';
import { StoreUnavailable } from '../../src/proxy/store-unavailable.ts';
import { program } from '../support/programs.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { alice, bob, limitsOf, openGuard, recordEvents, refuse } from './fixtures.ts';

/** The first login waits 250 ms for an answer; the rest is for a busy machine. */
const firstWaitMs = 1_000;
/** What "at once" may take on a busy machine, and still be told from a time-out. */
const atOnceMs = 150;
const recoveryMs = 10_000;

interface GuardUnderTest extends AsyncDisposable {
  readonly guard: LoginGuard;
  readonly events: GateEvent[];
}

function create(url: string, onStoreFailure: 'local' | 'refuse'): GuardUnderTest {
  const { events, report } = recordEvents();
  const limits = limitsOf({ perAccount: { failures: 2 }, onStoreFailure });
  const guard = openGuard({ limits, report, redis: { url, keyPrefix: 'postern:' } });
  return { guard, events, [Symbol.asyncDispose]: () => guard[Symbol.asyncDispose]() };
}

async function elapsedMs(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

function holdUpMs(durationMs: number): void {
  const endMs = performance.now() + durationMs;
  while (performance.now() < endMs);
}

async function becomes(guard: LoginGuard, isUp: boolean): Promise<void> {
  await vi.waitFor(() => expect(guard.store.isUp).toBe(isUp), { timeout: recoveryMs, interval: 20 });
}

function storeChanges(events: readonly GateEvent[]): boolean[] {
  return events.flatMap((event) => (event.kind === 'storeChanged' ? [event.isUp] : []));
}

describe.skipIf(program('redis-server') === undefined)('a guard whose Redis fails', () => {
  let server: RedisServer;
  beforeEach(async () => {
    server = await startRedis();
  });
  afterEach(() => server[Symbol.asyncDispose]());

  test('limits from its own memory until Redis is back, then from Redis, and tells each change once', async () => {
    await using tested = create(server.url, 'local');
    await refuse(tested.guard, { ...alice, times: 2 });
    await server.kill();
    await becomes(tested.guard, false);

    expect(await tested.guard.admit(alice)).toEqual({ kind: 'allowed' });
    await refuse(tested.guard, { ...bob, times: 2 });
    expect((await tested.guard.admit(bob)).kind).toBe('blocked');
    expect((await tested.guard.listBlocks()).map(({ subject }) => subject)).toEqual([bob.account]);
    expect((await tested.guard.countBlocks()).perAccount).toBe(1);

    await server.restart();
    await becomes(tested.guard, true);
    expect(await tested.guard.admit(bob)).toEqual({ kind: 'allowed' });
    await refuse(tested.guard, { ...bob, times: 2 });
    expect((await tested.guard.admit(bob)).kind).toBe('blocked');
    expect(storeChanges(tested.events)).toEqual([true, false, true]);
  });

  test('lets no login be tried without Redis where it is told to refuse, except from exempt addresses', async () => {
    const { report } = recordEvents();
    const exempt = { includes: (address: string) => address === bob.address, blocks: [] };
    const limits = limitsOf({ perAccount: { failures: 2 }, onStoreFailure: 'refuse', exempt });
    await using guard = openGuard({ limits, report, redis: { url: server.url, keyPrefix: 'postern:' } });
    expect(await guard.admit(alice)).toEqual({ kind: 'allowed' });
    await server.kill();
    await becomes(guard, false);

    expect(await guard.admit(alice)).toEqual({ kind: 'unavailable' });
    expect(await guard.admit(bob)).toEqual({ kind: 'allowed' });
    await guard.settle(alice, 'refused');
    await guard.settle(alice, 'accepted');
    expect(await guard.countBlocks()).toEqual({ perAddress: 0, perAccount: 0, perAddressAndAccount: 0 });
    await expect(guard.listBlocks()).rejects.toThrow(StoreUnavailable);
    await expect(guard.liftBlock('perAccount.YQ', 'ops')).rejects.toThrow(StoreUnavailable);

    await server.restart();
    await becomes(guard, true);
    expect(await guard.admit(alice)).toEqual({ kind: 'allowed' });
  });

  test('keeps the first login waiting only briefly when Redis hangs, the next not at all, and recovers', async () => {
    await using tested = create(server.url, 'local');
    await tested.guard.admit(alice);
    server.pause();
    expect(await elapsedMs(() => tested.guard.admit(alice))).toBeLessThan(firstWaitMs);
    expect(tested.guard.store.isUp).toBe(false);
    expect(await elapsedMs(() => tested.guard.admit(alice))).toBeLessThan(atOnceMs);
    expect(await elapsedMs(() => refuse(tested.guard, { ...alice, times: 2 }))).toBeLessThan(atOnceMs);
    expect((await tested.guard.admit(alice)).kind).toBe('blocked');

    server.resume();
    await becomes(tested.guard, true);
    expect(storeChanges(tested.events)).toEqual([true, false, true]);
  });

  test('answers every login of a burst that Redis leaves hanging', async () => {
    await using tested = create(server.url, 'refuse');
    await tested.guard.admit(alice);
    server.pause();
    const burst = Array.from({ length: 50 }, (_, index) =>
      index % 2 === 0 ? tested.guard.admit(alice) : tested.guard.settle(alice, 'refused'),
    );
    expect(await elapsedMs(() => Promise.all(burst))).toBeLessThan(firstWaitMs);
    expect(await burst[0]).toEqual({ kind: 'unavailable' });
  });

  test('does not mistake a process that is held up for a Redis that hangs', async () => {
    await using tested = create(server.url, 'refuse');
    await tested.guard.admit(alice);
    const verdict = tested.guard.admit(alice);
    // The question is on its way after this; the answer waits in the socket.
    await setImmediate();
    holdUpMs(500);
    expect(await verdict).toEqual({ kind: 'allowed' });
    expect(storeChanges(tested.events)).toEqual([true]);
  });

  test.each(['local', 'refuse'] as const)('starts without Redis and finds it later (%s)', async (onStoreFailure) => {
    await server.kill();
    await using tested = create(server.url, onStoreFailure);
    const verdict = onStoreFailure === 'local' ? 'allowed' : 'unavailable';
    expect(await elapsedMs(async () => expect((await tested.guard.admit(alice)).kind).toBe(verdict))).toBeLessThan(
      firstWaitMs,
    );
    expect(tested.guard.store).toEqual({ kind: 'redis', isUp: false });
    expect(tested.events).toMatchObject([
      { kind: 'storeChanged', store: 'redis', isUp: false, detail: expect.stringContaining('ECONNREFUSED') },
    ]);

    await server.restart();
    await becomes(tested.guard, true);
    await refuse(tested.guard, { ...alice, times: 2 });
    expect((await tested.guard.admit(alice)).kind).toBe('blocked');
  });

  test('starts while Redis hangs and finds it later', async () => {
    server.pause();
    await using tested = create(server.url, 'refuse');
    expect(await elapsedMs(() => tested.guard.admit(alice))).toBeLessThan(firstWaitMs);
    expect(tested.guard.store.isUp).toBe(false);
    server.resume();
    await becomes(tested.guard, true);
    expect(await tested.guard.admit(alice)).toEqual({ kind: 'allowed' });
  });
});

describe.skipIf(program('redis-server') === undefined)('a Redis that answers and does not serve', () => {
  test('counts as down: a replica that takes no writes', async () => {
    await using primary = await startRedis();
    await using replica = await startRedis({ args: ['--replicaof', '127.0.0.1', String(primary.port)] });
    await using tested = create(replica.url, 'refuse');
    expect(await tested.guard.admit(alice)).toEqual({ kind: 'unavailable' });
    expect(tested.events).toMatchObject([{ isUp: false, detail: expect.stringContaining('READONLY') }]);
  });

  test('counts as down: one that has no memory left', async () => {
    await using full = await startRedis({ args: ['--maxmemory', '1', '--maxmemory-policy', 'noeviction'] });
    await using tested = create(full.url, 'refuse');
    expect(await tested.guard.admit(alice)).toEqual({ kind: 'unavailable' });
    expect(tested.events).toMatchObject([{ isUp: false, detail: expect.stringContaining('OOM') }]);
  });
});

test('a server that accepts and never speaks keeps the first login waiting only briefly', async () => {
  await using silent = createServer((socket) => void socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const address = silent.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await using tested = create(`redis://127.0.0.1:${port}`, 'refuse');
  expect(await elapsedMs(() => tested.guard.admit(alice))).toBeLessThan(firstWaitMs);
  expect(await elapsedMs(() => tested.guard.admit(alice))).toBeLessThan(atOnceMs);
  expect(tested.guard.store.isUp).toBe(false);
});
