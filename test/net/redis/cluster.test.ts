import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { hashSlot } from '../../../src/net/redis/hash-slot.ts';
import { StoreUnavailable } from '../../../src/proxy/store-unavailable.ts';
import { createAuthorityChain } from '../../support/authority-chain.ts';
import { program } from '../../support/programs.ts';
import type { RedisServer } from '../../support/redis.ts';
import { type RedisClusterServers, startRedisCluster } from '../../support/redis-cluster.ts';
import { atOnceMs, type ConnectionUnderTest, elapsedMs, openConnection, patience } from './connection-under-test.ts';

const timeoutMs = 300;
const timedOutMs = 1_500;

/** An operation's key that is on the shard of this index; `from`: another one each. */
function keyOn({ shards }: RedisClusterServers, index: number, from = 0): string {
  const slots = shards[index]?.slots ?? { start: 0, end: 0 };
  for (let number = from; ; number += 1) {
    const slot = hashSlot(`postern:{k${number}}`);
    if (slot >= slots.start && slot <= slots.end) return `{k${number}}`;
  }
}

function increase({ connection }: ConnectionUnderTest, slotKey: string): Promise<number> {
  return connection.run((client) => client.incr(`${slotKey}count`), { slotKey });
}

describe.skipIf(!program('redis-server'))('a Redis Cluster', { timeout: 60_000 }, () => {
  let cluster: RedisClusterServers;
  beforeAll(async () => {
    cluster = await startRedisCluster({ password: 's3cret', isPartialServed: true });
  }, 60_000);
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  function open(options: { readonly timeoutMs?: number } = {}): ConnectionUnderTest {
    // One node is enough to find the others.
    return openConnection({ cluster: { nodes: cluster.nodes.slice(1, 2) }, password: 's3cret', ...options });
  }

  test('is asked on the master of each key', async () => {
    await using tested = open();
    for (const index of [0, 1, 2]) {
      const key = keyOn(cluster, index);
      const first = await increase(tested, key);
      expect(await increase(tested, key)).toBe(first + 1);
    }
    expect(tested.changes.map(({ isUp }) => isUp)).toEqual([true]);
  });

  test('has the slots that are computed here', async () => {
    await using tested = open();
    for (const key of ['ü', 'foo{bar}', '{}x', 'é{ß}']) {
      expect(await tested.connection.run((client) => client.cluster('KEYSLOT', key))).toBe(hashSlot(key));
    }
  });

  test('runs an operation again where the slot has gone, and lets it be asked for meanwhile', async () => {
    await using tested = open();
    const key = keyOn(cluster, 0, 1_000);
    const slot = hashSlot(`postern:${key}`);
    const before = await increase(tested, key);
    await using source = open();
    const [from, to] = await nodeIds(source, cluster);
    const at = (index: number, ...args: (string | number)[]): Promise<unknown> =>
      source.connection.run((client) => client.call('CLUSTER', ...args.map(String)), {
        slotKey: keyOn(cluster, index),
      });
    await at(1, 'SETSLOT', slot, 'IMPORTING', from);
    await at(0, 'SETSLOT', slot, 'MIGRATING', to);
    const port = cluster.shards[1]?.master.port ?? 0;
    const migrated = await source.connection.run(
      (client) => client.migrate('127.0.0.1', port, `${key}count`, 0, 2_000, 'AUTH', 's3cret'),
      { slotKey: key },
    );
    expect(migrated).toBe('OK');
    // ASK
    expect(await increase(tested, key)).toBe(before + 1);
    await at(1, 'SETSLOT', slot, 'NODE', to);
    await at(0, 'SETSLOT', slot, 'NODE', to);
    // MOVED
    expect(await increase(tested, key)).toBe(before + 2);
    expect(await increase(tested, key)).toBe(before + 3);
    expect(tested.changes.map(({ isUp }) => isUp)).toEqual([true]);
  });

  test('serves the other slots while one master hangs, and costs those of its own one answer’s time', async () => {
    await using tested = open({ timeoutMs });
    const [own, other] = [keyOn(cluster, 0), keyOn(cluster, 1)];
    await increase(tested, own);
    await increase(tested, other);
    await tested.becomes(true);
    const { master } = cluster.shards[0] ?? { master: undefined };
    master?.pause();
    expect(await elapsedMs(() => increase(tested, own))).toBeLessThan(timedOutMs);
    expect(await elapsedMs(() => increase(tested, own))).toBeLessThan(atOnceMs);
    expect(tested.connection.isUp).toBe(false);
    await increase(tested, other);
    await waitForOwn(tested, own);
    await tested.becomes(true);
    master?.resume();
    await increase(tested, own);
    await vi.waitUntil(() => tested.returns > 0, patience);
  });

  test('serves the slots of a master that was killed from its replica, and says so', async () => {
    await using tested = open();
    const gaps: number[] = [];
    const messages: string[] = [];
    tested.connection.channel('news').listen({ onMessage: (text) => messages.push(text), onGap: () => gaps.push(1) });
    const [own, other] = [keyOn(cluster, 2), keyOn(cluster, 1)];
    await increase(tested, own);
    await tested.becomes(true);
    const shard = cluster.shards[2];
    await shard?.master.kill();
    await tested.becomes(false);
    await increase(tested, other);
    await expect(increase(tested, own)).rejects.toThrow(StoreUnavailable);
    await waitForOwn(tested, own);
    await tested.becomes(true);
    expect(tested.changes.map(({ isUp }) => isUp)).toEqual([true, false, true]);
    await vi.waitUntil(async () => {
      await tested.connection.channel('news').publish('still here');
      return messages.length > 0;
    }, patience);
    await shard?.master.restart();
  });

  test('is found when it was not there at start', async () => {
    await using alone = await startAloneAndKill();
    await using tested = openConnection({ cluster: { nodes: [{ host: '127.0.0.1', port: alone.port }] } });
    await expect(increase(tested, '{a}')).rejects.toThrow(StoreUnavailable);
    expect(tested.changes).toMatchObject([{ isUp: false, detail: expect.stringContaining('ECONNREFUSED') }]);
  });
});

describe.skipIf(!program('redis-server'))('a Redis Cluster over TLS', () => {
  test('is verified, node by node', { timeout: 60_000 }, async () => {
    await using chain = await createAuthorityChain();
    const ca = chain.root;
    await using cluster = await startRedisCluster({ tls: { certificate: chain.good, ca } });
    await using tested = openConnection({ cluster: { nodes: cluster.nodes }, tls: { ca } });
    for (const index of [0, 1, 2]) expect(await increase(tested, keyOn(cluster, index))).toBe(1);
    await using misled = openConnection({ cluster: { nodes: cluster.nodes }, tls: {} });
    await expect(increase(misled, '{a}')).rejects.toThrow(StoreUnavailable);
    expect(misled.changes[0]?.detail).toMatch(/certificate/);
  });
});

async function waitForOwn(tested: ConnectionUnderTest, key: string): Promise<void> {
  await vi.waitUntil(
    () =>
      increase(tested, key).then(
        () => true,
        () => false,
      ),
    { ...patience, interval: 50 },
  );
}

async function nodeIds(tested: ConnectionUnderTest, cluster: RedisClusterServers): Promise<[string, string]> {
  const idOf = (index: number): Promise<string> =>
    tested.connection.run((client) => client.cluster('MYID'), { slotKey: keyOn(cluster, index) });
  return [await idOf(0), await idOf(1)];
}

async function startAloneAndKill(): Promise<RedisServer> {
  const { startRedis } = await import('../../support/redis.ts');
  const server = await startRedis({ args: ['--cluster-enabled', 'yes'], ports: { min: 20_000, max: 22_500 } });
  await server.kill();
  return server;
}
