import type { Logger } from 'pino';
import { addLoad, noOverload, type OverloadCause, type OverloadState, overloadCause } from '../policy/overload.ts';

/** Often enough to see a second of delay as one, and no work to speak of. */
const intervalMs = 100;
/** Asking the system takes longer than all else here, and memory does not double within a second. */
const memoryIntervalMs = 1_000;
/** Overload that comes again within this time is the same one: people are told once. */
const episodeEndMs = 10_000;

/** What is watched. */
export interface LoadWatchOptions {
  /** The longest delay that is fine; 0: any. As configured now. */
  readonly maxDelayMs: () => number;
  /** Memory in use, as a share of its bound. */
  readonly memoryShare: () => number;
  readonly countSessions: () => number;
  /** For how long the first in a queue of ours has waited. */
  readonly waitingMs: () => number;
  readonly log: Pick<Logger, 'warn' | 'info'>;
  readonly nowMs: () => number;
}

interface Episode {
  readonly startedAtMs: number;
  lastSeenAtMs: number;
}

/** Measures how late this process is and how much memory it uses, and says when that is too much. */
export class LoadWatch implements Disposable {
  readonly #options: LoadWatchOptions;
  #state: OverloadState = noOverload;
  #memory = { share: 0, readAtMs: Number.NEGATIVE_INFINITY };
  #episode: Episode | undefined;
  #dueAtMs: number;
  #timer: NodeJS.Timeout;

  constructor(options: LoadWatchOptions) {
    this.#options = options;
    this.#dueAtMs = options.nowMs() + intervalMs;
    this.#timer = this.#schedule();
  }

  /** Why nobody is to be let in now; undefined: let them in. */
  get cause(): OverloadCause | undefined {
    return overloadCause(this.#state);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #schedule(): NodeJS.Timeout {
    return setTimeout(() => this.#look(), intervalMs).unref();
  }

  #look(): void {
    const { maxDelayMs, countSessions, waitingMs, nowMs: clock } = this.#options;
    const nowMs = clock();
    const delayMs = Math.max(nowMs - this.#dueAtMs, waitingMs());
    const sample = { nowMs, delayMs, memoryShare: this.#memoryShare(nowMs), sessions: countSessions() };
    this.#state = addLoad(this.#state, sample, { maxDelayMs: maxDelayMs() });
    this.#tell(sample);
    this.#dueAtMs = nowMs + intervalMs;
    this.#timer = this.#schedule();
  }

  #memoryShare(nowMs: number): number {
    if (nowMs - this.#memory.readAtMs >= memoryIntervalMs) {
      this.#memory = { share: this.#options.memoryShare(), readAtMs: nowMs };
    }
    return this.#memory.share;
  }

  #tell({ nowMs, delayMs, memoryShare, sessions }: Parameters<typeof addLoad>[1]): void {
    const { log } = this.#options;
    const { cause } = this;
    if (cause !== undefined) {
      if (this.#episode === undefined) {
        this.#episode = { startedAtMs: nowMs, lastSeenAtMs: nowMs };
        log.warn(
          { event: 'overloaded', cause, delayMs: Math.round(delayMs), memoryShare: round(memoryShare), sessions },
          'Overloaded: new connections are refused until the open sessions are served in time again',
        );
      }
      this.#episode.lastSeenAtMs = nowMs;
      return;
    }
    if (this.#episode === undefined || nowMs - this.#episode.lastSeenAtMs < episodeEndMs) return;
    const durationMs = Math.round(this.#episode.lastSeenAtMs - this.#episode.startedAtMs);
    this.#episode = undefined;
    log.info({ event: 'overloadOver', durationMs }, 'No longer overloaded');
  }
}

function round(share: number): number {
  return Math.round(share * 100) / 100;
}
