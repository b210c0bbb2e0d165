import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { StoreUnavailable } from '../../../src/proxy/store-unavailable.ts';
import { program } from '../../support/programs.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';
import { encrypted, inTheClear, listAccounts, openInventory } from './fixtures.ts';

const patience = { timeout: 10_000, interval: 20 };
/** What the queue for an outage holds, and what it cannot. */
const queued = 10_000;
const beyond = 5;

describe.skipIf(program('redis-server') === undefined)('RedisInventory', () => {
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

  test('adds up what instances with one key prefix see', async () => {
    await using one = openInventory({ url: server.url });
    await using two = openInventory({ url: server.url, keyPrefix: one.keyPrefix });
    await using stranger = openInventory({ url: server.url });
    one.inventory.record(encrypted());
    await one.inventory.list({ limit: 1 });
    two.inventory.record(encrypted());
    two.inventory.record(inTheClear());
    expect((await two.inventory.list({ limit: 10 })).entries).toMatchObject([
      { transport: 'plaintext', logins: 1 },
      { transport: 'stls', logins: 2 },
    ]);
    expect(await listAccounts(one, { isEncrypted: false })).toEqual(['user@att.net']);
    expect(await listAccounts(stranger)).toEqual([]);
  });

  test('writes by itself, and what waits when it is disposed of', async () => {
    const tested = openInventory({ url: server.url });
    await using reader = openInventory({ url: server.url, keyPrefix: tested.keyPrefix });
    tested.inventory.record(encrypted({ account: 'a' }));
    await vi.waitFor(async () => expect(await listAccounts(reader)).toEqual(['a']), patience);
    tested.inventory.record(encrypted({ account: 'b' }));
    await tested[Symbol.asyncDispose]();
    expect(await listAccounts(reader)).toEqual(['a', 'b']);
  });

  test('lets every key expire, and keeps its three keys in step', async () => {
    await using tested = openInventory({ url: server.url, maxEntries: 3, retentionMs: 3_600_000 });
    for (let index = 0; index < 20; index += 1) {
      tested.nowMs += 1;
      tested.inventory.record(encrypted({ account: `user${index}` }));
    }
    expect(await listAccounts(tested)).toHaveLength(3);
    const keys = (await inspector.keys(`${tested.keyPrefix}*`)).filter((key) => !key.endsWith(':trial')).toSorted();
    expect(keys).toEqual(['entries', 'keys', 'seen'].map((name) => `${tested.keyPrefix}{inventory}:${name}`));
    for (const key of keys) {
      const ttlMs = await inspector.pttl(key);
      expect(ttlMs).toBeGreaterThan(3_500_000);
      expect(ttlMs).toBeLessThanOrEqual(3_600_000);
      expect(key.endsWith('entries') ? await inspector.hlen(key) : await inspector.zcard(key)).toBe(3);
    }
  });

  test('does not let the clock of one instance run ahead of the others', async () => {
    await using ahead = openInventory({ url: server.url });
    ahead.nowMs += 3_600_000;
    ahead.inventory.record(encrypted());
    const [entry] = (await ahead.inventory.list({ limit: 1 })).entries;
    expect(entry?.lastSeenMs).toBeLessThanOrEqual(Date.now() + 1_000);
  });

  test('finds one among more keys than it looks at once', async () => {
    await using tested = openInventory({ url: server.url });
    for (let index = 0; index < 2_500; index += 1) tested.inventory.record(encrypted({ account: `user${index}` }));
    tested.inventory.record(inTheClear({ account: 'user2400' }));
    expect(await listAccounts(tested, { isEncrypted: false })).toEqual(['user2400']);
    expect(new Set(await listAccounts(tested, { limit: 1_000 })).size).toBe(2_500);
  });

  test('reads past what it did not write', async () => {
    await using tested = openInventory({ url: server.url });
    tested.inventory.record(encrypted());
    await listAccounts(tested);
    await inspector.zadd(`${tested.keyPrefix}{inventory}:keys`, 0, 'junk', 0, '["a","b","c","stls"]');
    await inspector.hset(`${tested.keyPrefix}{inventory}:entries`, '["a","b","c","stls"]', 'junk');
    expect(await listAccounts(tested)).toEqual(['user@att.net']);
    tested.inventory.record(encrypted({ account: 'a', address: 'b', listener: 'c' }));
    expect(await listAccounts(tested)).toEqual(['a', 'user@att.net']);
  });

  test('keeps what it saw during an outage, and no more than it has room for, which it says once', async () => {
    await using own = await startRedis();
    await using tested = openInventory({ url: own.url });
    tested.inventory.record(encrypted({ account: 'before' }));
    await listAccounts(tested);
    await own.kill();
    for (let index = 0; index < queued + beyond; index += 1) {
      tested.inventory.record(encrypted({ account: `user${index}` }));
    }
    await expect(tested.inventory.list({ limit: 1 })).rejects.toThrow(StoreUnavailable);
    // Known clients need no more room.
    tested.inventory.record(encrypted({ account: 'user0' }));
    expect(tested.losses).toBe(1);

    await own.restart();
    await vi.waitFor(async () => {
      expect((await tested.inventory.list({ limit: 1, account: 'user0' })).entries).toMatchObject([{ logins: 2 }]);
    }, patience);
    expect(await listAccounts(tested, { limit: 1_000 })).toHaveLength(queued);
    expect(tested.losses).toBe(1);
  });
});
