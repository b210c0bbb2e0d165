import type { Redis } from 'ioredis';
import { StoreUnavailable } from '../proxy/store-unavailable.ts';
import { ClusterServers } from './redis/cluster-servers.ts';
import type { RedisServers } from './redis/redis-options.ts';
import type { RunOptions } from './redis/redis-server.ts';
import { type ChannelListener, RedisSubscriber } from './redis/redis-subscriber.ts';
import type { RedisTopology } from './redis/redis-topology.ts';
import { SingleServer } from './redis/single-server.ts';

/** Where Redis is, and whom to tell. */
export interface RedisConnectionOptions extends RedisServers {
  /** Put before every key and channel. */
  readonly keyPrefix: string;
  /** How long a login waits for an answer, once; then Redis counts as down. */
  readonly timeoutMs: number;
  /** Told once per change; `detail` never holds a password. */
  readonly onChange: (isUp: boolean, detail: string) => void;
}

/** What a listener does on each return may fail again, and again: it gets no more tries than this allows. */
const minReturnIntervalMs = 1_000;

/** Carries short texts between all that use the same key prefix, soon and without a promise: whoever is away misses them. */
export interface RedisChannel {
  /** Rejects with `StoreUnavailable` where it cannot be sent. */
  publish(text: string): Promise<void>;
  /** Adds a listener, for as long as the connection is open. */
  listen(listener: ChannelListener): void;
}

/**
 * A connection to Redis that knows whether Redis serves: one server, the primary that sentinels name, or a Cluster. It connects
 * again by itself, and while Redis (of a Cluster: the master in question) is down every operation fails at once.
 */
export class RedisConnection implements AsyncDisposable {
  readonly #options: RedisConnectionOptions;
  readonly #topology: RedisTopology;
  readonly #subscriber: RedisSubscriber;
  readonly #returns: (() => void)[] = [];
  #state: 'connecting' | 'up' | 'down' = 'connecting';
  /** Somebody could not be served, or might not have been. */
  #isReturnDue = false;
  #lastReturnMs = Number.NEGATIVE_INFINITY;
  #isDisposed = false;

  constructor(options: RedisConnectionOptions) {
    this.#options = options;
    const { keyPrefix, timeoutMs } = options;
    const topologyOptions = {
      keyPrefix,
      timeoutMs,
      onState: (isUp: boolean, detail: string) => this.#change(isUp, detail),
      onTried: () => this.#tellReturn(),
    };
    this.#topology =
      options.cluster === undefined
        ? new SingleServer(options, topologyOptions)
        : new ClusterServers(options, topologyOptions);
    this.#subscriber = new RedisSubscriber(this.#topology);
  }

  /** Whether the last thing heard of Redis was good; of a Cluster, of all its masters. */
  get isUp(): boolean {
    return this.#state === 'up';
  }

  /** Whether keys of several slots may be on several servers. */
  get isCluster(): boolean {
    return this.#options.cluster !== undefined;
  }

  /**
   * Runs an operation on the client of the server that has its keys; rejects with `StoreUnavailable` where Redis fails it or is
   * known to be down. All its keys are in one slot, that of `slotKey`; without keys (PUBLISH) any server will do. A Cluster may
   * move the slot: then the operation is run once more, elsewhere, as nothing was done.
   */
  async run<T>(operation: (client: Redis) => Promise<T>, options: RunOptions = {}): Promise<T> {
    try {
      return await this.#topology.run(operation, options);
    } catch (error) {
      if (error instanceof StoreUnavailable) this.#isReturnDue = true;
      throw error;
    }
  }

  /** A channel of this name, under the key prefix. */
  channel(name: string): RedisChannel {
    const channel = `${this.#options.keyPrefix}${name}`;
    return {
      publish: async (text) => {
        await this.run((client) => client.publish(channel, text));
      },
      listen: (listener) => this.#subscriber.listen(channel, listener),
    };
  }

  /** Has a listener told each time that Redis, all of it, serves again after it failed an operation or was down. */
  onBack(listener: () => void): void {
    this.#returns.push(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    this.#subscriber[Symbol.dispose]();
    this.#topology[Symbol.dispose]();
  }

  #change(isUp: boolean, detail: string): void {
    const state = isUp ? 'up' : 'down';
    if (this.#isDisposed || this.#state === state) return;
    this.#state = state;
    if (!isUp) this.#isReturnDue = true;
    this.#options.onChange(isUp, detail);
  }

  #tellReturn(): void {
    if (!this.#isReturnDue || !this.isUp || this.#isDisposed) return;
    const nowMs = performance.now();
    if (nowMs - this.#lastReturnMs < minReturnIntervalMs) return;
    this.#lastReturnMs = nowMs;
    this.#isReturnDue = false;
    for (const listener of this.#returns) listener();
  }
}
