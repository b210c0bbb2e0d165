import type { Redis } from 'ioredis';
import type { RunOptions } from './redis-server.ts';

/** What a connection to Redis is made of: one server, or those of a Cluster. */
export interface RedisTopology extends Disposable {
  /** Runs an operation where its keys are; rejects with `StoreUnavailable`. */
  run<T>(operation: (client: Redis) => Promise<T>, options: RunOptions): Promise<T>;
  /** Opens a connection of its own for a subscription, to a server that seems to serve. It never connects again by itself. */
  openSubscription(): SubscriptionClient;
}

/** A connection for a subscription. */
export interface SubscriptionClient {
  readonly client: Redis;
  /** False: another server would be the better one to hear from. */
  readonly isCurrent: () => boolean;
}

/** What a topology needs, and whom it tells. */
export interface TopologyOptions {
  readonly keyPrefix: string;
  readonly timeoutMs: number;
  /** Told what is known anew of the whole; may repeat itself. */
  readonly onState: (isUp: boolean, detail: string) => void;
  /** Told after trials that went well, each of a part. */
  readonly onTried: () => void;
}

/** Between two attempts to connect: soon enough after an outage, and few enough during one. */
export function reconnectDelayMs(attempt: number): number {
  return attempt <= 1 ? 50 : 500;
}

/** Connecting takes longer than an answer; the first operations of a process wait for it so long. */
export function firstWaitMsFor(timeoutMs: number): number {
  return Math.max(timeoutMs, 250);
}
