import type { RateLimiterAbstract } from 'rate-limiter-flexible';
import { blockDurationMs, type LoginLimit } from '../policy/login-limits.ts';

/** rate-limiter-flexible counts whole seconds, and in memory with timers that end at 2³¹ ms. */
const maxSeconds = Math.floor(0x7fff_ffff / 1000);

/** What is used of rate-limiter-flexible's limiters. */
export type Limiter = Pick<RateLimiterAbstract, 'penalty' | 'set' | 'block' | 'get' | 'delete'>;

/** How a limiter is set up; `duration` in seconds. */
export interface LimiterOptions {
  readonly points: number;
  readonly duration: number;
  readonly keyPrefix: string;
}

/** The set-up of the limiter that counts failures and holds the block. */
export function failureLimiterOptions(limit: LoginLimit, name: string): LimiterOptions {
  return { points: limit.failures, duration: wholeSeconds(limit.windowMs), keyPrefix: `failures:${name}` };
}

/** The set-up of the limiter that remembers how often a subject was blocked. */
export function strikeLimiterOptions(limit: LoginLimit, name: string): LimiterOptions {
  return { points: limit.failures, duration: wholeSeconds(2 * limit.maxBlockMs), keyPrefix: `strikes:${name}` };
}

/**
 * One limit over two of rate-limiter-flexible's limiters. A subject that has used up its failures is blocked for as long
 * as its count lives, so one key tells both, and a block holds even where placing it was cut short.
 */
export class FailureCounter {
  readonly #limit: LoginLimit;
  readonly #failures: Limiter;
  readonly #strikes: Limiter;

  constructor(limit: LoginLimit, limiters: { readonly failures: Limiter; readonly strikes: Limiter }) {
    this.#limit = limit;
    this.#failures = limiters.failures;
    this.#strikes = limiters.strikes;
  }

  /** Whether a count of failures means a block. */
  isBlocking(failures: number): boolean {
    return failures >= this.#limit.failures;
  }

  /** Counts one failure; tells how long the block is, in ms, where this one led to it. */
  async countFailure(subject: string): Promise<number | undefined> {
    const { consumedPoints } = await this.#failures.penalty(subject);
    // One of a burst reaches exactly this number: one block is placed, and one strike counted.
    if (consumedPoints !== this.#limit.failures) return undefined;
    const strike = (await this.#strikes.penalty(subject)).consumedPoints;
    const seconds = wholeSeconds(blockDurationMs(this.#limit, strike));
    // Remembered for the longest block's time after this one ends, so that a patient attacker's blocks keep doubling.
    const rememberedSeconds = wholeSeconds(seconds * 1000 + this.#limit.maxBlockMs);
    await Promise.all([this.#failures.block(subject, seconds), this.#strikes.set(subject, strike, rememberedSeconds)]);
    return seconds * 1000;
  }

  /** What is left of a block, ms; 0 where there is none. */
  async remainingBlockMs(subject: string): Promise<number> {
    const count = await this.#failures.get(subject);
    return count !== null && this.isBlocking(count.consumedPoints) ? Math.max(count.msBeforeNext, 0) : 0;
  }

  /** Forgets the failures counted since the last block. */
  async clearFailures(subject: string): Promise<void> {
    await this.#failures.delete(subject);
  }

  /** Forgets failures, block and strikes. */
  async forget(subject: string): Promise<void> {
    await Promise.all([this.#failures.delete(subject), this.#strikes.delete(subject)]);
  }
}

/** Rounded up, and never 0: to rate-limiter-flexible that means for ever. */
function wholeSeconds(durationMs: number): number {
  return Math.min(Math.max(Math.ceil(durationMs / 1000), 1), maxSeconds);
}
