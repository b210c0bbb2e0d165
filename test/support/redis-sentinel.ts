import { randomInt } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { vi } from 'vitest';
import { startProcess } from './process.ts';
import { requireProgram } from './programs.ts';
import { type RedisOptions, type RedisServer, startRedis } from './redis.ts';
import { createTemporaryDirectory } from './temporary-directory.ts';

/** Soon enough for a test, and not what a busy machine takes for an answer. */
const downAfterMs = 1_000;
const startTimeoutMs = 15_000;
const startAttempts = 5;

/** A primary, a replica of it and a sentinel that fails over by itself. */
export interface RedisSentinel extends AsyncDisposable {
  readonly name: string;
  readonly node: { readonly host: string; readonly port: number };
  readonly primary: RedisServer;
  readonly replica: RedisServer;
  /** Ends the primary and makes the sentinel promote the replica now, without waiting for its time-outs. */
  failOver(): Promise<void>;
}

/** Starts the three on loopback; resolves when the sentinel knows the replica. */
export async function startSentinel(options: Pick<RedisOptions, 'password'> = {}): Promise<RedisSentinel> {
  await using stack = new AsyncDisposableStack();
  const name = 'postern-test';
  const auth = options.password === undefined ? [] : ['--masterauth', options.password];
  const quick = ['--repl-diskless-sync-delay', '0', ...auth];
  const primary = stack.use(await startRedis({ ...options, args: quick }));
  const replicaOf = ['--replicaof', '127.0.0.1', String(primary.port)];
  const replica = stack.use(await startRedis({ ...options, args: [...quick, ...replicaOf] }));
  const directory = stack.use(await createTemporaryDirectory('sentinel'));
  const port = await startOnFreePort(stack, { directory: directory.path, name, primaryPort: primary.port, ...options });
  const client = stack.adopt(new Redis({ host: '127.0.0.1', port }), (each) => each.disconnect());
  await vi.waitUntil(async () => isReplicaKnown(await client.call('SENTINEL', 'REPLICAS', name)), {
    timeout: startTimeoutMs,
    interval: 50,
  });
  const owned = stack.move();
  return {
    name,
    node: { host: '127.0.0.1', port },
    primary,
    replica,
    failOver: async () => {
      await primary.kill();
      await client.call('SENTINEL', 'FAILOVER', name);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function isReplicaKnown(answer: unknown): boolean {
  const text = JSON.stringify(answer);
  return text.includes('"master-link-status","ok"') && text.includes('"flags","slave"');
}

interface SentinelStart extends Pick<RedisOptions, 'password'> {
  readonly directory: string;
  readonly name: string;
  readonly primaryPort: number;
}

async function startOnFreePort(stack: AsyncDisposableStack, options: SentinelStart): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const port = randomInt(20_000, 32_000);
    const file = join(options.directory, `sentinel-${port}.conf`);
    await writeFile(file, sentinelConfiguration(port, options));
    const server = await startProcess([requireProgram('redis-server'), file, '--sentinel']);
    try {
      await server.waitForLine(/\+monitor master/);
      stack.use(server);
      return port;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      if (attempt >= startAttempts || !String(error).includes('Address already in use')) throw error;
    }
  }
}

function sentinelConfiguration(port: number, { directory, name, primaryPort, password }: SentinelStart): string {
  return [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${directory}`,
    `sentinel monitor ${name} 127.0.0.1 ${primaryPort} 1`,
    `sentinel down-after-milliseconds ${name} ${downAfterMs}`,
    `sentinel failover-timeout ${name} 3000`,
    ...(password === undefined ? [] : [`sentinel auth-pass ${name} ${password}`]),
    '',
  ].join('\n');
}
