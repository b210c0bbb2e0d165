import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, test, vi } from 'vitest';
import { StoreUnavailable } from '../../../src/proxy/store-unavailable.ts';
import { program } from '../../support/programs.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';
import { atOnceMs, elapsedMs, increment, openConnection, patience } from './connection-under-test.ts';

/** A time-out that tests which are about outages wait for. */
const timeoutMs = 200;
/** The same, on a busy machine. */
const timedOutMs = 1_000;

function holdUpMs(durationMs: number): void {
  const endMs = performance.now() + durationMs;
  while (performance.now() < endMs);
}

describe.skipIf(!program('redis-server'))('a Redis that fails', () => {
  test('is served again without a restart after it was killed, and says so once each', async () => {
    await using server = await startRedis();
    await using tested = openConnection({ url: server.url });
    expect(await tested.connection.run(increment)).toBe(1);
    await server.kill();
    await tested.becomes(false);
    expect(await elapsedMs(() => tested.connection.run(increment))).toBeLessThan(atOnceMs);
    await expect(tested.connection.run(increment)).rejects.toThrow(StoreUnavailable);
    await server.restart();
    await tested.becomes(true);
    // What it held is gone.
    expect(await tested.connection.run(increment)).toBe(1);
    expect(tested.changes.map(({ isUp }) => isUp)).toEqual([true, false, true]);
    await vi.waitUntil(() => tested.returns === 1, patience);
  });

  test('costs one answer’s time when it hangs, then nothing, and is found again', async () => {
    await using server = await startRedis();
    await using tested = openConnection({ url: server.url, timeoutMs });
    await tested.connection.run(increment);
    server.pause();
    const burst = Array.from({ length: 20 }, () => tested.connection.run(increment));
    expect(await elapsedMs(() => Promise.allSettled(burst))).toBeLessThan(timedOutMs);
    expect(tested.connection.isUp).toBe(false);
    expect(await elapsedMs(() => tested.connection.run(increment))).toBeLessThan(atOnceMs);
    server.resume();
    await tested.becomes(true);
    await tested.connection.run(increment);
  });

  test('is noticed when it hangs though nobody asks', async () => {
    await using server = await startRedis();
    await using tested = openConnection({ url: server.url, timeoutMs });
    await tested.becomes(true);
    server.pause();
    await tested.becomes(false);
    expect(tested.changes.at(-1)?.detail).toBe(`no answer within ${timeoutMs} ms`);
    server.resume();
    await tested.becomes(true);
  });

  test('is found again soon after it hung for longer than its connections live', async () => {
    await using server = await startRedis();
    await using slow = await startSlowProxy(server.port);
    await using tested = openConnection({ url: `redis://127.0.0.1:${slow.port}`, timeoutMs });
    await tested.becomes(true);
    server.pause();
    // The first is cut for its silence, and the next one hangs in the handshake.
    await vi.waitUntil(() => slow.connections > 2, patience);
    server.resume();
    const startMs = performance.now();
    await tested.becomes(true);
    expect(performance.now() - startMs).toBeLessThan(5_000);
  });

  test('counts as down while each answer comes too late, and its connection stays', async () => {
    await using server = await startRedis();
    await using slow = await startSlowProxy(server.port);
    await using tested = openConnection({ url: `redis://127.0.0.1:${slow.port}`, timeoutMs });
    await tested.becomes(true);
    slow.delayMs = timeoutMs * 2;
    await expect(tested.connection.run(increment)).rejects.toThrow(`no answer within ${timeoutMs} ms`);
    await expect(tested.connection.run(increment)).rejects.toThrow('it is down');
    slow.delayMs = 0;
    await tested.becomes(true);
    expect(slow.connections).toBe(1);
    await vi.waitUntil(() => tested.returns === 1, patience);
  });

  test('gives work that no login waits for more time', async () => {
    await using server = await startRedis();
    await using slow = await startSlowProxy(server.port);
    await using tested = openConnection({ url: `redis://127.0.0.1:${slow.port}`, timeoutMs });
    await tested.becomes(true);
    slow.delayMs = timeoutMs * 2;
    expect(await tested.connection.run(increment, { isPatient: true })).toBe(1);
  });

  test('is no Redis that hangs when this process is held up', async () => {
    await using server = await startRedis();
    await using tested = openConnection({ url: server.url, timeoutMs: 40 });
    await tested.becomes(true);
    const changes = tested.changes.length;
    const answer = tested.connection.run(increment);
    await setImmediate();
    holdUpMs(300);
    expect(await answer).toBe(1);
    expect(tested.changes.length).toBe(changes);
  });

  test('counts as down while it is read-only, and as up when it is a primary again', async () => {
    await using primary = await startRedis();
    await using server = await startRedis();
    await using admin = openClient(server);
    await using tested = openConnection({ url: server.url });
    await tested.becomes(true);
    await admin.client.replicaof('127.0.0.1', primary.port);
    await tested.becomes(false);
    expect(tested.changes.at(-1)?.detail).toContain('READONLY');
    await admin.client.replicaof('NO', 'ONE');
    await tested.becomes(true);
  });

  test('counts as down while it is full, and as up when there is room', async () => {
    await using server = await startRedis();
    await using admin = openClient(server);
    await using tested = openConnection({ url: server.url });
    await tested.becomes(true);
    await admin.client.config('SET', 'maxmemory-policy', 'noeviction');
    await admin.client.config('SET', 'maxmemory', '1');
    await tested.becomes(false);
    expect(tested.changes.at(-1)?.detail).toContain('OOM');
    await admin.client.config('SET', 'maxmemory', '0');
    await tested.becomes(true);
  });

  test('serves on when it is flushed', async () => {
    await using server = await startRedis();
    await using admin = openClient(server);
    await using tested = openConnection({ url: server.url });
    expect(await tested.connection.run(increment)).toBe(1);
    await admin.client.flushall();
    expect(await tested.connection.run(increment)).toBe(1);
    expect(tested.changes.map(({ isUp }) => isUp)).toEqual([true]);
  });

  test('fails an operation and stays up where the operation itself is wrong, and says that it is back', async () => {
    await using server = await startRedis();
    await using tested = openConnection({ url: server.url });
    await tested.connection.run(increment);
    await expect(tested.connection.run((client) => client.lpush('{tested}count', 'x'))).rejects.toThrow('WRONGTYPE');
    await vi.waitUntil(() => tested.returns === 1, patience);
    expect(tested.changes.map(({ isUp }) => isUp)).toEqual([true]);
  });

  test('says that it is back once a second at most, however often what follows fails', async () => {
    await using server = await startRedis();
    await using tested = openConnection({ url: server.url });
    await tested.connection.run(increment);
    let tries = 0;
    const failAgain = async (): Promise<void> => {
      tries += 1;
      await tested.connection.run((client) => client.lpush('{tested}count', 'x')).catch(() => {});
    };
    tested.connection.onBack(() => void failAgain());
    await failAgain();
    const startMs = performance.now();
    await vi.waitUntil(() => tested.returns === 2, patience);
    expect(performance.now() - startMs).toBeGreaterThan(900);
    expect(tries).toBe(3);
  });

  test('is found later when it was not there at start', async () => {
    await using server = await startRedis();
    await server.kill();
    await using tested = openConnection({ url: server.url });
    await expect(tested.connection.run(increment)).rejects.toThrow(StoreUnavailable);
    expect(tested.changes).toMatchObject([{ isUp: false, detail: expect.stringContaining('ECONNREFUSED') }]);
    await server.restart();
    await tested.becomes(true);
  });

  test('uses the database of its URL, and prefixes its keys', async () => {
    await using server = await startRedis();
    await using admin = openClient(server, 3);
    await using tested = openConnection({ url: `${server.url}/3`, keyPrefix: 'p:' });
    await tested.connection.run(increment);
    expect(await admin.client.get('p:{tested}count')).toBe('1');
  });
});

test('a server that accepts and never speaks keeps the first operation waiting only briefly', async () => {
  await using silent = createServer((socket) => void socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  await using tested = openConnection({ url: `redis://127.0.0.1:${portOf(silent)}`, timeoutMs });
  expect(await elapsedMs(() => tested.connection.run(increment))).toBeLessThan(timedOutMs);
  expect(await elapsedMs(() => tested.connection.run(increment))).toBeLessThan(atOnceMs);
  await tested[Symbol.asyncDispose]();
});

function openClient({ url }: RedisServer, db = 0): { readonly client: Redis } & AsyncDisposable {
  const client = new Redis(url, { db });
  return { client, [Symbol.asyncDispose]: async () => client.disconnect() };
}

interface SlowProxy extends AsyncDisposable {
  readonly port: number;
  readonly connections: number;
  /** How late answers come. */
  delayMs: number;
}

async function startSlowProxy(target: number): Promise<SlowProxy> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((client) => {
    connections += 1;
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => {}));
    client.pipe(upstream);
    upstream.on('data', (octets) => {
      // In order: a later answer never overtakes.
      if (proxy.delayMs === 0) client.write(octets);
      else setTimeout(() => client.write(octets), proxy.delayMs);
    });
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: SlowProxy = {
    port: portOf(server),
    get connections() {
      return connections;
    },
    delayMs: 0,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await once(server.close(), 'close');
    },
  };
  return proxy;
}

function portOf(server: ReturnType<typeof createServer>): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
