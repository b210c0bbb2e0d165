import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { maxLifted, maxManualEntries } from '../../../src/guard/manual-store.ts';
import { entryKeys } from '../../../src/guard/redis/entry-keys.ts';
import { RedisManualStore } from '../../../src/guard/redis/manual-store.ts';
import { RedisConnection } from '../../../src/net/redis-connection.ts';
import type { ManualEntry } from '../../../src/policy/guard/manual-entries.ts';
import { StoreUnavailable } from '../../../src/proxy/store-unavailable.ts';
import { program } from '../../support/programs.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';

const entry: ManualEntry = {
  effect: 'block',
  target: { network: '192.0.2.0/24' },
  reason: 'Sends spam, "quoted" – and more',
  by: 'ops',
  addedAtMs: 1_800_000_000_000,
};

describe.skipIf(program('redis-server') === undefined)('manual entries in Redis', () => {
  let server: RedisServer;
  let connection: RedisConnection;
  let client: Redis;
  let store: RedisManualStore;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server[Symbol.asyncDispose]());
  beforeEach(() => {
    const keyPrefix = `${randomUUID()}:`;
    connection = new RedisConnection({ url: server.url, keyPrefix, timeoutMs: 2_000, onChange: () => {} });
    client = new Redis(server.url, { keyPrefix });
    store = new RedisManualStore(connection);
  });
  afterEach(async () => {
    client.disconnect();
    await connection[Symbol.asyncDispose]();
  });

  test('are read as they were put, by a version that changes with them', async () => {
    expect(await store.read({ sinceMs: 0 })).toMatchObject({ entries: new Map(), lifted: new Set() });
    expect(await store.put('one', entry)).toBe(true);
    const first = await store.read({ sinceMs: 0 });
    expect(first.entries).toEqual(new Map([['one', entry]]));
    const known = { version: first.version ?? '', sinceMs: 0 };
    expect((await store.read(known)).entries).toBeUndefined();
    await store.put('two', { ...entry, untilMs: 4_000_000_000_000 });
    const second = await store.read(known);
    expect([...(second.entries?.keys() ?? [])].toSorted()).toEqual(['one', 'two']);
    expect(second.version).not.toBe(first.version);
    expect(await store.find('two')).toEqual({ entry: { ...entry, untilMs: 4_000_000_000_000 }, isLifted: false });
  });

  test('are gone once they are lifted, and that is remembered until they are put again', async () => {
    await store.put('one', entry);
    const { version = '', nowMs } = await store.read({ sinceMs: 0 });
    await store.bury('one');
    await store.bury('perAddress.MTkyLjAuMi43');
    expect(await store.find('one')).toEqual({ isLifted: true });
    const read = await store.read({ version, sinceMs: nowMs });
    expect(read).toMatchObject({ entries: new Map(), lifted: new Set(['one', 'perAddress.MTkyLjAuMi43']) });
    expect((await store.read({ sinceMs: read.nowMs + 60_000 })).lifted.size).toBe(0);
    await store.put('one', entry);
    await store.unbury(['perAddress.MTkyLjAuMi43']);
    expect((await store.read({ sinceMs: 0 })).lifted.size).toBe(0);
  });

  test('leave Redis in the end, each key of them', async () => {
    await store.put('one', entry);
    await store.bury('two');
    for (const key of Object.values(entryKeys)) expect(await client.pttl(key)).toBeGreaterThan(86_400_000);
    await client.pexpire(entryKeys.entries, 1_000);
    await store.read({ sinceMs: 0 });
    expect(await client.pttl(entryKeys.entries)).toBeGreaterThan(86_400_000);
  });

  test('are bounded, and those that are over make room', async () => {
    const many = Object.fromEntries(
      Array.from({ length: maxManualEntries }, (_, index) => [`id${index}`, JSON.stringify(entry)]),
    );
    await client.hset(entryKeys.entries, many);
    expect(await store.put('new', entry)).toBe(false);
    expect(await store.put('id7', entry)).toBe(true);
    await client.hset(entryKeys.entries, 'id1', JSON.stringify({ ...entry, untilMs: 1 }), 'id2', 'not JSON');
    expect(await store.put('new', entry)).toBe(true);
    expect(await client.hlen(entryKeys.entries)).toBe(maxManualEntries - 1);
  });

  test('have bounded tombstones', async () => {
    const pairs = Array.from({ length: maxLifted }, (_, index) => [index, `id${index}`]).flat();
    await client.zadd(entryKeys.lifted, ...pairs);
    await store.bury('new');
    expect(await client.zcard(entryKeys.lifted)).toBe(maxLifted);
    expect((await store.find('new')).isLifted).toBe(true);
    expect((await store.find('id0')).isLifted).toBe(false);
  });

  test('are left out where they are not of this form', async () => {
    await store.put('one', entry);
    await client.hset(entryKeys.entries, {
      a: 'not JSON',
      b: '{}',
      c: JSON.stringify({ ...entry, target: { network: 'everything' } }),
      d: JSON.stringify({ ...entry, surprise: true }),
    });
    expect([...((await store.read({ sinceMs: 0 })).entries?.keys() ?? [])]).toEqual(['one']);
  });

  test('cannot be asked for where the key is somebody else’s', async () => {
    await client.set(entryKeys.entries, 'text');
    await expect(store.read({ sinceMs: 0 })).rejects.toThrow(StoreUnavailable);
    await expect(store.put('one', entry)).rejects.toThrow(StoreUnavailable);
  });
});
