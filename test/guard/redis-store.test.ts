import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { GateEvent } from '../../src/proxy/events.ts';
import { program } from '../support/programs.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { alice, bob, type LimitsUnderTest, limitsOf, openGuard, recordEvents, refuse } from './fixtures.ts';

const minuteMs = 60_000;

describe.skipIf(program('redis-server') === undefined)('RedisStore', () => {
  let server: RedisServer;
  let inspector: Redis;
  beforeAll(async () => {
    server = await startRedis();
    inspector = new Redis(server.url);
  });
  afterAll(async () => {
    inspector.disconnect();
    await server[Symbol.asyncDispose]();
  });

  function create(tested: LimitsUnderTest, keyPrefix = `${randomUUID()}:`) {
    const { events, report } = recordEvents();
    const guard = openGuard({ limits: limitsOf(tested), report, redis: { url: server.url, keyPrefix } });
    const endBlock = async (subject: string) => {
      expect(await inspector.del(`${keyPrefix}failures:perAccount:${subject}`)).toBe(1);
    };
    return { guard, events, keyPrefix, endBlock, [Symbol.asyncDispose]: () => guard[Symbol.asyncDispose]() };
  }

  test('shares counts, blocks and lifts between guards with the same prefix', async () => {
    await using one = create({ perAccount: { failures: 2 } });
    await using two = create({ perAccount: { failures: 2 } }, one.keyPrefix);
    await one.guard.settle(alice, 'refused');
    await two.guard.settle(alice, 'refused');
    expect((await one.guard.admit(alice)).kind).toBe('blocked');
    const [block] = await one.guard.listBlocks();
    expect(await two.guard.liftBlock(block?.id ?? '', 'ops')).toBe(true);
    expect((await one.guard.admit(alice)).kind).toBe('allowed');
    expect(await one.guard.listBlocks()).toEqual([]);
  });

  test('counts one strike for a burst on two guards', async () => {
    await using one = create({ perAccount: { failures: 3 } });
    await using two = create({ perAccount: { failures: 3 } }, one.keyPrefix);
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? one : two).guard.settle(alice, 'refused')),
    );
    expect([...one.events, ...two.events].filter(({ kind }) => kind === 'loginBlocked').length).toBe(1);
    expect(await inspector.get(`${one.keyPrefix}strikes:perAccount:${alice.account}`)).toBe('1');
  });

  test('keeps guards with different prefixes apart', async () => {
    await using one = create({ perAccount: { failures: 1 } });
    await using two = create({ perAccount: { failures: 1 } });
    await one.guard.settle(alice, 'refused');
    expect((await two.guard.admit(alice)).kind).toBe('allowed');
    expect(await two.guard.listBlocks()).toEqual([]);
  });

  test('doubles the blocks of one who comes back, up to the longest', async () => {
    await using tested = create({ perAccount: { failures: 1, blockMs: minuteMs, maxBlockMs: 6 * minuteMs } });
    for (let strike = 1; strike <= 5; strike += 1) {
      await tested.guard.settle(alice, 'refused');
      await tested.endBlock(alice.account);
    }
    const durations = tested.events.flatMap((event) =>
      event.kind === 'loginBlocked' ? [event.durationMs / minuteMs] : [],
    );
    expect(durations).toEqual([1, 2, 4, 6, 6]);
  });

  test('remembers earlier blocks for the longest block after the last one ends', async () => {
    await using tested = create({ perAccount: { failures: 1, blockMs: minuteMs, maxBlockMs: 6 * minuteMs } });
    const remembered = () => inspector.ttl(`${tested.keyPrefix}strikes:perAccount:${alice.account}`);
    await tested.guard.settle(alice, 'refused');
    expect(Math.abs((await remembered()) - (1 + 6) * 60)).toBeLessThan(5);
    await tested.endBlock(alice.account);
    await tested.guard.settle(alice, 'refused');
    expect(Math.abs((await remembered()) - (2 + 6) * 60)).toBeLessThan(5);
  });

  test('ends a block by itself, and lists it no longer', async () => {
    await using tested = create({ perAccount: { failures: 1, blockMs: 1_000 } });
    await tested.guard.settle(alice, 'refused');
    expect((await tested.guard.admit(alice)).kind).toBe('blocked');
    await vi.waitFor(async () => expect(await tested.guard.admit(alice)).toEqual({ kind: 'allowed' }), {
      timeout: 5_000,
    });
    await vi.waitFor(async () => expect(await tested.guard.listBlocks()).toEqual([]), { timeout: 5_000 });
    expect((await tested.guard.countBlocks()).perAccount).toBe(0);
    expect(await inspector.zcard(`${tested.keyPrefix}blocks:perAccount`)).toBe(0);
  });

  test('holds a login back even where placing the block was cut short', async () => {
    await using tested = create({ perAccount: { failures: 3 } });
    await tested.guard.admit(alice);
    await inspector.set(`${tested.keyPrefix}failures:perAccount:${alice.account}`, 3, 'EX', 60);
    expect(await tested.guard.admit(alice)).toMatchObject({ kind: 'blocked', limit: 'perAccount' });
  });

  test('writes no key without its prefix, and none without an expiry', async () => {
    await using alone = await startRedis();
    using own = disposable(new Redis(alone.url));
    const { report } = recordEvents();
    const limits = limitsOf({ perAddress: { failures: 2 }, perAccount: { failures: 1 }, perAddressAndAccount: {} });
    await using guard = openGuard({ limits, report, redis: { url: alone.url, keyPrefix: 'postern:' } });
    await refuse(guard, { ...alice, times: 2 });
    await refuse(guard, { ...bob, times: 1 });
    await guard.settle(bob, 'accepted');
    await guard.admit(alice);
    const [block] = await guard.listBlocks();
    await guard.liftBlock(block?.id ?? '', 'ops');
    const keys = await own.client.keys('*');
    expect(keys).toEqual(
      expect.arrayContaining([
        'postern:blocks:perAddress',
        'postern:failures:perAddressAndAccount:alice@att.net from 192.0.2.7',
      ]),
    );
    for (const key of keys) {
      expect(key).toMatch(/^postern:/);
      // -2: it has gone meanwhile; -1 would be: it stays for ever.
      expect(await own.client.pttl(key), key).not.toBe(-1);
    }
  });

  test('counts in memory what a key that is not its own keeps from Redis, and stays up', async () => {
    await using tested = create({ perAccount: { failures: 1 } });
    await inspector.hset(`${tested.keyPrefix}failures:perAccount:${alice.account}`, 'a', 'b');
    await inspector.set(`${tested.keyPrefix}blocks:perAccount`, 'not a sorted set');
    await tested.guard.settle(alice, 'refused');
    expect((await tested.guard.listBlocks()).map(({ subject }) => subject)).toEqual([alice.account]);
    expect(await tested.guard.admit(bob)).toEqual({ kind: 'allowed' });
    expect(tested.guard.store.isUp).toBe(true);
  });
});

describe.skipIf(program('redis-server') === undefined)('a password in the Redis URL', () => {
  const password = 'p/ss w%rd';

  test('opens Redis and is not told', async () => {
    await using server = await startRedis({ password });
    const { events, report } = recordEvents();
    await using guard = openGuard({
      limits: limitsOf({}),
      report,
      redis: { url: server.url, keyPrefix: 'postern:' },
    });
    await guard.admit(alice);
    expect(guard.store.isUp).toBe(true);
    expectUntold(events);
  });

  // Redis repeats the arguments of a command it does not know, and cuts them short.
  test.each([password, 'long'.repeat(100)])('is not told when Redis repeats it: %j', async (repeated) => {
    await using server = await startRedis({ args: ['--rename-command', 'AUTH', '', '--rename-command', 'HELLO', ''] });
    const { events, report } = recordEvents();
    const url = server.url.replace('redis://', `redis://:${encodeURIComponent(repeated)}@`);
    await using guard = openGuard({ limits: limitsOf({}), report, redis: { url, keyPrefix: 'postern:' } });
    await guard.admit(alice);
    expect(events).toEqual([
      { kind: 'storeChanged', store: 'redis', isUp: false, detail: "ERR unknown command 'auth'" },
    ]);
  });

  test('is not told when it is wrong', async () => {
    await using server = await startRedis({ password: 'another' });
    const { events, report } = recordEvents();
    const url = server.url.replace(':another@', `:${encodeURIComponent(password)}@`);
    await using guard = openGuard({ limits: limitsOf({}), report, redis: { url, keyPrefix: 'postern:' } });
    await guard.admit(alice);
    expect(events).toMatchObject([{ isUp: false, detail: expect.stringContaining('WRONGPASS') }]);
    expectUntold(events);
  });

  test('is not told when the URL is none', () => {
    const create = () =>
      openGuard({
        limits: limitsOf({}),
        report: () => {},
        redis: { url: `redis://:${password}@host:port`, keyPrefix: '' },
      });
    expect(create).toThrow('Cannot use the Redis URL: it is not a URL');
  });

  function expectUntold(events: readonly GateEvent[]): void {
    expect(events.length).toBeGreaterThan(0);
    const told = JSON.stringify(events);
    expect(told).not.toContain(password);
    expect(told).not.toContain(encodeURIComponent(password));
  }
});

function disposable(client: Redis): Disposable & { readonly client: Redis } {
  return { client, [Symbol.dispose]: () => client.disconnect() };
}
