import type { Upstream } from '../policy/upstream.ts';
import { type ReadAheadOutcome, readAheadOutcomes } from '../pop3/read-ahead-terms.ts';

/** How long an upstream that took it badly is not read ahead: a session that it spoils is one a client has to begin anew. */
const pauseMs = 10 * 60_000;

/** How often each outcome came. */
export type ReadAheadCounts = Readonly<Record<ReadAheadOutcome, number>>;

/** Where to read ahead, and what came of it since the start. */
export class ReadAheadBook {
  readonly #nowMs: () => number;
  /** By name, which outlives the upstream that a configuration replaces. */
  readonly #counts = new Map<string, Record<ReadAheadOutcome, number>>();
  readonly #pausedUntilMs = new WeakMap<Upstream, number>();

  /** `nowMs` is a clock that never steps back. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Whether sessions at an upstream begin with it now. */
  isWanted(upstream: Upstream): boolean {
    return upstream.readAhead === true && this.#nowMs() >= (this.#pausedUntilMs.get(upstream) ?? 0);
  }

  count({ name }: Pick<Upstream, 'name'>, outcome: ReadAheadOutcome): void {
    this.#countsOf(name)[outcome] += 1;
  }

  /** Adds what was counted elsewhere. */
  add(upstream: string, counts: ReadAheadCounts): void {
    const sum = this.#countsOf(upstream);
    for (const outcome of readAheadOutcomes) sum[outcome] += counts[outcome];
  }

  /** The upstream broke off, or left a client waiting: sessions there begin without, for a while. */
  pause(upstream: Upstream): void {
    this.#pausedUntilMs.set(upstream, this.#nowMs() + pauseMs);
  }

  /** All upstreams that were read ahead, by name. */
  list(): Iterable<readonly [upstream: string, counts: ReadAheadCounts]> {
    return this.#counts;
  }

  #countsOf(upstream: string): Record<ReadAheadOutcome, number> {
    const known = this.#counts.get(upstream);
    if (known !== undefined) return known;
    const counts = noReadAhead();
    this.#counts.set(upstream, counts);
    return counts;
  }
}

/** Each outcome at zero. */
export function noReadAhead(): Record<ReadAheadOutcome, number> {
  return Object.fromEntries(readAheadOutcomes.map((outcome) => [outcome, 0])) as Record<ReadAheadOutcome, number>;
}
