import { Redis } from 'ioredis';
import { StoreUnavailable } from '../proxy/store-unavailable.ts';

/** How long Redis may take to answer: a login waits for this once, then Redis counts as down. */
const ANSWER_TIMEOUT_MS = 250;
/** A timer this late means that this process was held up, and may not have read an answer that is there. */
const maxTimerDelayMs = 50;
/** No login waits for these: they bound one attempt to connect in the background, TLS included, and each step of it. */
const CONNECT_TIMEOUT_MS = 5_000;
const SILENCE_TIMEOUT_MS = 2_000;
/** Between two attempts to connect: soon enough after an outage, and few enough during one. */
const RECONNECT_DELAY_MS = 500;
/** The key of the trial write lives only for the trial. */
const TRIAL_KEY_TTL_MS = 1_000;

/** Where Redis is, and whom to tell. */
export interface RedisConnectionOptions {
  readonly url: string;
  /** Put before every key. */
  readonly keyPrefix: string;
  /** Told once per change; `detail` never holds the password. */
  readonly onChange: (isUp: boolean, detail: string) => void;
}

/**
 * A connection to Redis that knows whether Redis serves. It counts as up after a trial write succeeded: a replica, a full
 * or a hanging Redis is as useless here as a dead one. While it is down every call fails at once.
 */
export class RedisConnection implements AsyncDisposable {
  readonly client: Redis;
  readonly #options: RedisConnectionOptions;
  readonly #address: string;
  readonly #firstTrial = Promise.withResolvers<void>();
  readonly #cancelFirstDeadline: () => void;
  #state: 'connecting' | 'up' | 'down' | 'disposed' = 'connecting';
  #isTrying = false;
  #isDropping = false;
  #lastError = '';

  constructor(options: RedisConnectionOptions) {
    this.#options = options;
    this.#address = addressOf(options.url);
    this.client = new Redis(options.url, {
      keyPrefix: options.keyPrefix,
      enableAutoPipelining: false,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      // What was sent when the connection broke fails with it.
      maxRetriesPerRequest: 0,
      connectTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: SILENCE_TIMEOUT_MS,
      disconnectTimeout: ANSWER_TIMEOUT_MS,
      retryStrategy: () => RECONNECT_DELAY_MS,
    });
    this.client.on('error', (error: Error) => {
      this.#lastError = this.#describe(error);
    });
    this.client.on('ready', () => void this.#tryOut());
    this.client.on('close', () => {
      this.#isDropping = false;
      this.#change(false, this.#lastError || 'the connection was closed');
    });
    this.#cancelFirstDeadline = startDeadline(() =>
      this.#change(false, `no connection within ${ANSWER_TIMEOUT_MS} ms`),
    );
  }

  /** Whether the last thing heard of Redis was good. */
  get isUp(): boolean {
    return this.#state === 'up';
  }

  /** Runs an operation on Redis; rejects with `StoreUnavailable` where Redis fails it or is known to be down. */
  async run<T>(operation: () => Promise<T>): Promise<T> {
    if (this.#state === 'connecting') await this.#firstTrial.promise;
    if (this.#state !== 'up') throw new StoreUnavailable(`Cannot ask Redis at "${this.#address}": it is down`);
    const expired = Promise.withResolvers<never>();
    const cancelDeadline = startDeadline(() => {
      this.#giveUp(`no answer within ${ANSWER_TIMEOUT_MS} ms`);
      expired.reject(new Error(`no answer within ${ANSWER_TIMEOUT_MS} ms`));
    });
    try {
      return await Promise.race([operation(), expired.promise]);
    } catch (cause) {
      void this.#tryOut();
      throw new StoreUnavailable(`Cannot ask Redis at "${this.#address}": ${this.#describe(cause)}`, { cause });
    } finally {
      cancelDeadline();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#state = 'disposed';
    this.#cancelFirstDeadline();
    this.#firstTrial.resolve();
    this.client.disconnect();
  }

  async #tryOut(): Promise<void> {
    if (this.#isTrying || this.#isDropping) return;
    this.#isTrying = true;
    try {
      await this.client.set('trial', '1', 'PX', TRIAL_KEY_TTL_MS);
      this.#change(true, `connected to ${this.#address}`);
    } catch (error) {
      this.#giveUp(this.#lastError || this.#describe(error));
    } finally {
      this.#isTrying = false;
    }
  }

  /** Drops the connection with whatever hangs in it: a new one may reach a new primary, and comes with the next trial. */
  #giveUp(detail: string): void {
    this.#change(false, detail);
    if (this.#isDropping || this.client.status !== 'ready') return;
    this.#isDropping = true;
    this.client.disconnect(true);
  }

  #change(isUp: boolean, detail: string): void {
    if (this.#state === 'disposed') return;
    this.#cancelFirstDeadline();
    if (isUp) this.#lastError = '';
    const state = isUp ? 'up' : 'down';
    if (this.#state === state) return;
    this.#state = state;
    this.#options.onChange(isUp, detail);
    this.#firstTrial.resolve();
  }

  #describe(error: unknown): string {
    const { password } = this.client.options;
    // Redis repeats the arguments of a command it does not know, AUTH included, and cuts long ones short.
    const text = errorText(error).replace(/, with args beginning with: .*$/s, '');
    return password ? text.replaceAll(password, '***') : text;
  }
}

/** Calls back when the time for an answer is over; returns how to call that off. */
function startDeadline(onExpired: () => void): () => void {
  let dueMs = performance.now() + ANSWER_TIMEOUT_MS;
  let timer = setTimeout(look, ANSWER_TIMEOUT_MS);
  function look(): void {
    if (performance.now() - dueMs <= maxTimerDelayMs) {
      onExpired();
      return;
    }
    dueMs = performance.now() + ANSWER_TIMEOUT_MS;
    timer = setTimeout(look, ANSWER_TIMEOUT_MS);
  }
  return () => clearTimeout(timer);
}

function errorText(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(errorText).join('; ');
  return error instanceof Error ? error.message : String(error);
}

function addressOf(url: string): string {
  const parsed = URL.parse(url);
  // The platform's own error would carry the text, password included.
  if (parsed === null) throw new TypeError('Cannot use the Redis URL: it is not a URL');
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
}
