import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import type { Limiter, LimiterOptions } from './failure-counter.ts';

/** How many subjects a limiter keeps: at about 600 octets each, all six limiters together stay below 100 MB. */
export const maxCountedSubjects = 20_000;
/** Kept apart from the counted ones, so that a flood of single failures pushes no block out. */
export const maxBlockedSubjects = 5_000;

/**
 * rate-limiter-flexible's memory limiter, which has no bound of its own, with one: the subject whose count started
 * first, or whose block was placed first, is forgotten to make room. Its timers do not keep the process alive.
 */
export class BoundedLimiter implements Limiter {
  readonly #limiter: RateLimiterMemory;
  // In the order of their first failure; a name whose count has expired stays until it is the oldest.
  readonly #counted = new Set<string>();
  readonly #blocked = new Set<string>();

  constructor(options: LimiterOptions) {
    this.#limiter = new RateLimiterMemory({ ...options });
  }

  /** The subjects that were blocked; some of these blocks may be over. */
  get blockedSubjects(): readonly string[] {
    return [...this.#blocked];
  }

  async penalty(subject: string): Promise<RateLimiterRes> {
    const count = await this.#limiter.penalty(subject);
    if (count.isFirstInDuration) this.#remember(subject, { isBlocked: false });
    return count;
  }

  set(subject: string, points: number, seconds: number): Promise<RateLimiterRes> {
    this.#remember(subject, { isBlocked: false });
    return this.#limiter.set(subject, points, seconds);
  }

  block(subject: string, seconds: number): Promise<RateLimiterRes> {
    this.#remember(subject, { isBlocked: true });
    return this.#limiter.block(subject, seconds);
  }

  get(subject: string): Promise<RateLimiterRes | null> {
    return this.#limiter.get(subject);
  }

  delete(subject: string): Promise<boolean> {
    this.#counted.delete(subject);
    this.#blocked.delete(subject);
    return this.#limiter.delete(subject);
  }

  #remember(subject: string, { isBlocked }: { readonly isBlocked: boolean }): void {
    this.#counted.delete(subject);
    this.#blocked.delete(subject);
    const [subjects, max] = isBlocked ? [this.#blocked, maxBlockedSubjects] : [this.#counted, maxCountedSubjects];
    subjects.add(subject);
    if (subjects.size <= max) return;
    for (const oldest of subjects) {
      void this.delete(oldest);
      break;
    }
  }
}
