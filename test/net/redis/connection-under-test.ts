import type { Redis } from 'ioredis';
import { vi } from 'vitest';
import { RedisConnection, type RedisConnectionOptions } from '../../../src/net/redis-connection.ts';

/** Longest wait for what a busy machine does late; a test that passes never waits it out. */
export const patience = { timeout: 15_000, interval: 10 };
/** What "at once" may take on a busy machine. */
export const atOnceMs = 150;

/** A connection, and what it has told. */
export interface ConnectionUnderTest extends AsyncDisposable {
  readonly connection: RedisConnection;
  readonly changes: readonly { readonly isUp: boolean; readonly detail: string }[];
  /** How often it was told that Redis is back. */
  returns: number;
  /** Resolves once the connection says so. */
  becomes(isUp: boolean): Promise<void>;
}

/** Opens a connection that tells what happens to it; its time-out is too long for a busy machine to reach. */
export function openConnection(options: Partial<RedisConnectionOptions>): ConnectionUnderTest {
  const changes: { isUp: boolean; detail: string }[] = [];
  const connection = new RedisConnection({
    keyPrefix: 'postern:',
    timeoutMs: 2_000,
    onChange: (isUp, detail) => changes.push({ isUp, detail }),
    ...options,
  });
  const tested: ConnectionUnderTest = {
    connection,
    changes,
    returns: 0,
    becomes: async (isUp) => {
      await vi.waitUntil(() => connection.isUp === isUp, patience);
    },
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
  connection.onBack(() => {
    tested.returns += 1;
  });
  return tested;
}

/** An operation that shows that Redis serves. */
export async function increment(client: Redis): Promise<number> {
  return await client.incr('{tested}count');
}

/** How long something takes, however it ends. */
export async function elapsedMs(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work().catch(() => {});
  return performance.now() - startMs;
}
