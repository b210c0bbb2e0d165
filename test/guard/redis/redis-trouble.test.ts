import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { StoreUnavailable } from '../../../src/proxy/store-unavailable.ts';
import { program } from '../../support/programs.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';
import { limitsOf, loginOf, openStore, refuseDifferent } from './store-under-test.ts';

const alice = loginOf();
const bob = loginOf({ account: 'bob@att.net', address: '198.51.100.8' });
const limits = limitsOf({ perAccount: { threshold: 2 } });

describe.skipIf(program('redis-server') === undefined)('RedisStore on a Redis in trouble', () => {
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

  test('begins anew after everything was flushed, and takes its blocks back', async () => {
    await using tested = openStore({ url: server.url, limits });
    await refuseDifferent(tested.store, { times: 2 });
    const blocks = await tested.store.listBlocks();
    await inspector.flushall();
    expect((await tested.store.look(alice)).blocks).toEqual([]);
    expect(await tested.store.listBlocks()).toEqual([]);
    await tested.store.restoreBlocks(blocks);
    expect((await tested.store.look(alice)).blocks).toEqual(blocks);
    expect(await tested.store.listBlocks()).toEqual(blocks);
  });

  test('lists a block again that only the list has lost', async () => {
    await using tested = openStore({ url: server.url, limits });
    await refuseDifferent(tested.store, { times: 2 });
    const blocks = await tested.store.listBlocks();
    await inspector.del(
      `${tested.keyPrefix}{guard}blocks:perAccount`,
      `${tested.keyPrefix}{guard}block-notes:perAccount`,
    );
    expect(await tested.store.listBlocks()).toEqual([]);
    await tested.store.restoreBlocks(blocks);
    expect(await tested.store.listBlocks()).toEqual(blocks);
  });

  test('lifts a block that only the list still has', async () => {
    await using tested = openStore({ url: server.url, limits });
    await refuseDifferent(tested.store, { times: 2 });
    await tested.store.listBlocks();
    await inspector.del(`${tested.keyPrefix}{a:alice@att.net}windows`);
    expect(await tested.store.liftBlock({ limit: 'perAccount', subject: alice.account })).toBe(true);
    expect(await tested.store.listBlocks()).toEqual([]);
  });

  test('sends its scripts again after Redis forgot them', async () => {
    await using tested = openStore({ url: server.url, limits });
    await tested.store.countFailure(alice);
    await inspector.script('FLUSH');
    expect((await tested.store.look(alice)).addressFailures).toBe(1);
    expect((await tested.store.countFailure(loginOf({ password: 'another' }))).placed.length).toBe(1);
    expect((await tested.store.listBlocks()).length).toBe(1);
  });

  test.each(['windows', 'known', 'refused', 'accepted'])(
    'cannot tell of one account whose key "%s" is not its own, and of any other',
    async (key) => {
      await using tested = openStore({ url: server.url, limits });
      await inspector.rpush(`${tested.keyPrefix}{a:alice@att.net}${key}`, 'not mine');
      await expect(tested.store.look(alice)).rejects.toThrow(StoreUnavailable);
      await expect(
        tested.store.countFailure(alice).then(() => tested.store.noteAccepted(alice, { pairMembers: [] })),
      ).rejects.toThrow(StoreUnavailable);
      expect((await tested.store.look(bob)).blocks).toEqual([]);
      expect(tested.connection.isUp).toBe(true);
    },
  );

  test.each(['', 'nonsense', 'x'.repeat(18), `${'9'.repeat(18)}x`, `${'0'.repeat(18)}${'x'.repeat(29)}`])(
    'counts from the start where a record is spoilt: "%s"',
    async (record) => {
      await using tested = openStore({ url: server.url, limits });
      const fields = { account: record, passwords: record, [alice.address]: record };
      await inspector.hset(`${tested.keyPrefix}{a:alice@att.net}windows`, fields);
      await inspector.hset(`${tested.keyPrefix}{n:192.0.2.0/24}windows`, {
        network: record,
        accounts: record,
        ...fields,
      });
      expect(await tested.store.look(alice)).toMatchObject({ blocks: [], addressFailures: 0, isReserved: true });
      expect(await tested.store.countFailure(alice)).toMatchObject({ placed: [], addressFailures: 1 });
      expect((await tested.store.countFailure(loginOf({ password: 'another' }))).placed.length).toBe(1);
    },
  );

  test('does without dangerous commands, and without keys that are not its own', async () => {
    const rights = 'on >s3cret ~postern:* &postern:* +@read +@write -@dangerous +eval +evalsha +time +ping';
    await using strict = await startRedis({ args: ['--user', 'postern', ...rights.split(' ')] });
    const url = strict.url.replace('redis://', 'redis://postern:s3cret@');
    await using tested = openStore({ url, limits, keyPrefix: 'postern:' });
    const { store } = tested;
    await store.look(alice);
    await refuseDifferent(store, { times: 2 });
    await store.noteAccepted(bob, { pairMembers: [bob.credential] });
    await store.noteSessions({ live: [{ account: bob.account, sessionId: 'one' }], ended: [] });
    expect((await store.describeAccount(bob.account)).liveSessions).toBe(1);
    const blocks = await store.listBlocks();
    await store.restoreBlocks(blocks);
    expect((await store.countBlocks()).perAccount).toBe(1);
    expect(await store.liftBlock({ limit: 'perAccount', subject: alice.account })).toBe(true);
    await store.release(alice);
  });

  test('rejects while Redis is full, and goes on when it is not', async () => {
    await using full = await startRedis({ args: ['--maxmemory-policy', 'noeviction'] });
    const own = new Redis(full.url);
    await using tested = openStore({ url: full.url, limits });
    await tested.store.countFailure(alice);
    await own.config('SET', 'maxmemory', '1');
    await expect(tested.store.countFailure(loginOf({ password: 'another' }))).rejects.toThrow(StoreUnavailable);
    await vi.waitFor(() => expect(tested.connection.isUp).toBe(false), { timeout: 10_000 });
    await own.config('SET', 'maxmemory', '0');
    own.disconnect();
    // Told once more, as a journal does.
    await vi.waitFor(() => tested.store.countFailure(loginOf({ password: 'another' })), { timeout: 10_000 });
    const { blocks, addressFailures } = await tested.store.look(alice);
    expect(blocks).toMatchObject([{ limit: 'perAccount', strikes: 1 }]);
    expect(addressFailures).toBe(2);
    expect(await tested.store.listBlocks()).toEqual(blocks);
  });
});
