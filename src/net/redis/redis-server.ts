import type { Redis } from 'ioredis';
import { StoreUnavailable } from '../../proxy/store-unavailable.ts';
import { startDeadline } from './answer-deadline.ts';
import { describeRedisError, redirectionOf } from './redis-error.ts';

/** A server that nobody asks is looked at so often: whoever watches hears of an outage before the first login does. */
const heartbeatMs = 1_000;
/** One that is down, and connected, is tried so often. */
const retrialMs = 100;
/** The key of the trial write lives only for the trial. */
const trialKeyTtlMs = 1_000;
/** How long work that no login waits for may take: a connection that is silent for longer is dead anyway. */
const patienceMs = 2_000;
/** How to run an operation. */
export interface RunOptions {
  /** One of the operation's keys, without the prefix; operations without keys have none. */
  readonly slotKey?: string;
  /** No login waits for it: it may take two seconds, and Redis does not count as slow because of it. */
  readonly isPatient?: boolean;
}

/** One server that takes writes, and who wants to know how it is. */
export interface RedisServerOptions {
  /** Connects again by itself, whatever happened, until it is told to stop. The server's to close. */
  readonly client: Redis;
  /** For people; without a password. */
  readonly name: string;
  /** How long an answer may take. */
  readonly timeoutMs: number;
  /** How long operations wait for the connection to stand, once. */
  readonly firstWaitMs: number;
  /** What no text may show. */
  readonly secrets: readonly string[];
  /** The key of the trial write; on a Cluster one of the server's own. */
  readonly trialKey: () => string;
  /** Told once per change. */
  readonly onChange: (isUp: boolean, detail: string) => void;
  /** Told after each trial that went well. */
  readonly onTried: () => void;
  /** The server says that another one has the key. */
  readonly onRedirected?: () => void;
}

/**
 * One Redis server, and whether it serves: it counts as up after a trial write succeeded in time. A replica, a full or a
 * hanging Redis is as useless here as a dead one. While it is down every operation fails at once.
 */
export class RedisServer implements Disposable {
  readonly #options: RedisServerOptions;
  readonly #firstTrial = Promise.withResolvers<void>();
  readonly #cancelFirstDeadline: () => void;
  #state: 'connecting' | 'up' | 'down' | 'disposed' = 'connecting';
  #isTrying = false;
  #timer: NodeJS.Timeout | undefined;
  #lastError = '';

  constructor(options: RedisServerOptions) {
    this.#options = options;
    const { client, firstWaitMs } = options;
    client.on('error', (error: Error) => {
      this.#lastError = this.#describe(error);
    });
    client.on('ready', () => void this.#tryOut());
    client.on('close', () => this.#change(false, this.#lastError || 'the connection was closed'));
    this.#cancelFirstDeadline = startDeadline(firstWaitMs, () =>
      this.#change(false, this.#lastError || `no connection within ${firstWaitMs} ms`),
    );
  }

  get client(): Redis {
    return this.#options.client;
  }

  get name(): string {
    return this.#options.name;
  }

  /** Nothing is known before the first trial. */
  get state(): 'connecting' | 'up' | 'down' {
    return this.#state === 'disposed' ? 'down' : this.#state;
  }

  /** Runs an operation; rejects with `StoreUnavailable`, or with a Cluster's redirection as it came. */
  async run<T>(operation: (client: Redis) => Promise<T>, { isPatient = false }: RunOptions): Promise<T> {
    if (this.#state === 'connecting') await this.#firstTrial.promise;
    if (this.#state !== 'up') throw new StoreUnavailable(`Cannot ask Redis at "${this.name}": it is down`);
    const timeoutMs = isPatient ? patienceMs : this.#options.timeoutMs;
    try {
      return await this.#inTime(operation(this.client), timeoutMs);
    } catch (cause) {
      if (redirectionOf(cause) !== undefined) throw cause;
      void this.#tryOut();
      throw new StoreUnavailable(`Cannot ask Redis at "${this.name}": ${this.#describe(cause)}`, { cause });
    }
  }

  /** Settles as the answer does, or rejects when its time is over. */
  #inTime<T>(answer: Promise<T>, timeoutMs: number): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const cancelDeadline = startDeadline(timeoutMs, () => {
      const detail = `no answer within ${timeoutMs} ms`;
      this.#change(false, detail);
      reject(new Error(detail));
    });
    answer.then(
      (value) => {
        cancelDeadline();
        resolve(value);
      },
      (error: unknown) => {
        cancelDeadline();
        reject(error);
      },
    );
    return promise;
  }

  [Symbol.dispose](): void {
    this.#state = 'disposed';
    this.#cancelFirstDeadline();
    this.#firstTrial.resolve();
    clearTimeout(this.#timer);
    this.client.disconnect();
  }

  async #tryOut(): Promise<void> {
    if (this.#isTrying || this.#state === 'disposed' || this.client.status !== 'ready') return;
    this.#isTrying = true;
    clearTimeout(this.#timer);
    const { timeoutMs } = this.#options;
    let isLate = false;
    const cancelDeadline = startDeadline(timeoutMs, () => {
      isLate = true;
      this.#change(false, `no answer within ${timeoutMs} ms`);
    });
    try {
      await this.client.set(this.#options.trialKey(), '1', 'PX', trialKeyTtlMs);
      if (!isLate) this.#succeed();
    } catch (error) {
      this.#fail(error);
    } finally {
      cancelDeadline();
      this.#isTrying = false;
      this.#tryLater();
    }
  }

  #tryLater(): void {
    if (this.#state === 'disposed') return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#tryOut(), this.#state === 'up' ? heartbeatMs : retrialMs).unref();
  }

  #succeed(): void {
    if (this.#state === 'disposed') return;
    this.#lastError = '';
    this.#change(true, `connected to ${this.name}`);
    this.#options.onTried();
  }

  #fail(error: unknown): void {
    if (redirectionOf(error) !== undefined) {
      this.#options.onRedirected?.();
      return;
    }
    this.#change(false, this.#lastError || this.#describe(error));
    // It answered, and does not serve: behind the same address, or with a new primary, another one may.
    if (this.client.status === 'ready') this.client.disconnect(true);
  }

  #change(isUp: boolean, detail: string): void {
    if (this.#state === 'disposed') return;
    this.#cancelFirstDeadline();
    const state = isUp ? 'up' : 'down';
    if (this.#state === state) return;
    this.#state = state;
    this.#options.onChange(isUp, detail);
    this.#firstTrial.resolve();
  }

  #describe(error: unknown): string {
    return describeRedisError(error, this.#options.secrets);
  }
}
