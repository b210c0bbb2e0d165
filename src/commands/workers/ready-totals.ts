import type { ReadyCounts, ReadyOutcome } from '../../net/ready-connections.ts';

type Counts = Record<ReadyOutcome | 'ready', number>;

/** Adds up the ready connections of workers, those that are gone included: what became of theirs stays counted. */
export class ReadyTotals {
  readonly #retired = new Map<string, Counts>();

  /** Takes over what a worker that is gone has counted. */
  retire(counts: Iterable<ReadyCounts>): void {
    for (const each of counts) add(this.#retired, { ...each, ready: 0 });
  }

  /** All upstreams, with what workers hold and held. */
  sum(workers: Iterable<Iterable<ReadyCounts>>): readonly ReadyCounts[] {
    const totals = new Map(Array.from(this.#retired, ([upstream, counts]) => [upstream, { ...counts }]));
    for (const counts of workers) for (const each of counts) add(totals, each);
    return Array.from(totals, ([upstream, counts]) => ({ upstream, ...counts }));
  }
}

function add(totals: Map<string, Counts>, { upstream, ready, used, expired, broken, discarded }: ReadyCounts): void {
  const before = totals.get(upstream) ?? { ready: 0, used: 0, expired: 0, broken: 0, discarded: 0 };
  totals.set(upstream, {
    ready: before.ready + ready,
    used: before.used + used,
    expired: before.expired + expired,
    broken: before.broken + broken,
    discarded: before.discarded + discarded,
  });
}
