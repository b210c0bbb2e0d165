import type { Logger } from 'pino';
import type { SessionsConfig } from '../config/config.ts';
import type { Gate } from '../proxy/gate.ts';

/** How often people are told how far it has come. */
const progressMs = 5_000;

/** What is drained, and how. */
export interface DrainOptions {
  readonly gate: Pick<Gate, 'drain'>;
  readonly closeListeners: () => void;
  /** How many sessions are open now. */
  readonly countSessions: () => number;
  /** As configured when it begins. */
  readonly times: () => Pick<SessionsConfig, 'drainDelayMs' | 'drainTimeoutMs'>;
  readonly log: Logger;
}

/** The way out: it is announced, then nobody is let in any more, then the sessions end. There is no way back. */
export class Drain implements Disposable {
  readonly #options: DrainOptions;
  readonly #haste = new AbortController();
  #end: Promise<void> | undefined;

  constructor(options: DrainOptions) {
    this.#options = options;
  }

  /** Whether it has begun: clients are better sent elsewhere from then on. */
  get isUnderWay(): boolean {
    return this.#end !== undefined;
  }

  /** Begins, or joins what has begun. Resolves when no session is left. Never rejects. */
  begin(): Promise<void> {
    this.#end ??= this.#run();
    return this.#end;
  }

  /** Waits for nothing any more: what is open is cut. */
  hurry(): void {
    this.#haste.abort();
  }

  [Symbol.dispose](): void {
    this.hurry();
  }

  async #run(): Promise<void> {
    const { gate, closeListeners, countSessions, times, log } = this.#options;
    const { drainDelayMs, drainTimeoutMs } = times();
    const { signal } = this.#haste;
    const tell = (): void =>
      log.info({ event: 'drainProgress', sessions: countSessions() }, 'Waiting for sessions to end');
    log.info(
      { event: 'draining', sessions: countSessions(), delayMs: drainDelayMs, timeoutMs: drainTimeoutMs },
      'Draining: no new sessions, waiting for the open ones',
    );
    const progress = setInterval(tell, progressMs);
    try {
      // Without a delay the listeners are closed before anything else happens.
      if (drainDelayMs > 0) await pause(drainDelayMs, signal);
      closeListeners();
      await gate.drain({ timeoutMs: drainTimeoutMs, signal });
    } finally {
      clearInterval(progress);
    }
    log.info({ event: 'drained' }, 'Drained: no session is open');
  }
}

/** Waits, less where the signal aborts. */
function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = (): void => {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    resolve();
  };
  const timer = setTimeout(end, durationMs);
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  return promise;
}
