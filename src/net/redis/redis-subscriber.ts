import type { Redis } from 'ioredis';
import type { RedisTopology, SubscriptionClient } from './redis-topology.ts';

/** Between two connections. */
const retryDelayMs = 250;
/** A subscription is silent by nature: only an answer shows that it still stands. */
const pingIntervalMs = 1_000;

/** Who hears what a channel carries. */
export interface ChannelListener {
  readonly onMessage: (text: string) => void;
  /** The subscription stands, from here on: what was sent before, since the last message, may be missed. The first time, too. */
  readonly onGap: () => void;
}

/** Listens on channels of Redis, on one connection of its own that is made anew, with its subscriptions, whenever it fails. */
export class RedisSubscriber implements Disposable {
  readonly #topology: Pick<RedisTopology, 'openSubscription'>;
  readonly #listeners = new Map<string, ChannelListener[]>();
  #current: SubscriptionClient | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isDisposed = false;

  constructor(topology: Pick<RedisTopology, 'openSubscription'>) {
    this.#topology = topology;
  }

  listen(channel: string, listener: ChannelListener): void {
    const listeners = this.#listeners.get(channel) ?? [];
    this.#listeners.set(channel, [...listeners, listener]);
    if (this.#current === undefined) this.#open();
    else if (this.#current.client.status === 'ready') void this.#subscribe(this.#current.client, channel);
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    clearTimeout(this.#timer);
    this.#current?.client.disconnect();
  }

  #open(): void {
    if (this.#isDisposed) return;
    const current = this.#topology.openSubscription();
    const { client } = current;
    this.#current = current;
    // The connection beside this one says what is wrong.
    client.on('error', () => {});
    client.on('ready', () => {
      for (const channel of this.#listeners.keys()) void this.#subscribe(client, channel);
      this.#pingLater(current);
    });
    client.on('message', (channel: string, text: string) => {
      for (const { onMessage } of this.#listeners.get(channel) ?? []) onMessage(text);
    });
    client.on('end', () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#open(), retryDelayMs).unref();
    });
  }

  async #subscribe(client: Redis, channel: string): Promise<void> {
    try {
      await client.subscribe(channel);
    } catch {
      client.disconnect();
      return;
    }
    if (this.#isDisposed) return;
    for (const { onGap } of this.#listeners.get(channel) ?? []) onGap();
  }

  #pingLater(current: SubscriptionClient): void {
    this.#timer = setTimeout(() => {
      const { client, isCurrent } = current;
      if (!isCurrent()) {
        client.disconnect();
        return;
      }
      // Without an answer the connection is cut for its silence.
      client.ping().then(
        () => {
          if (client.status === 'ready') this.#pingLater(current);
        },
        () => client.disconnect(),
      );
    }, pingIntervalMs).unref();
  }
}
