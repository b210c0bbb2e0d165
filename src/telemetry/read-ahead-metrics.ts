import { Counter } from 'prom-client';
import { readAheadOutcomes } from '../pop3/read-ahead-terms.ts';
import type { ReadAheadCounts } from '../proxy/read-ahead-book.ts';
import type { MetricsRegistry } from './exposition.ts';
import type { LabelNames } from './label.ts';

/** Makes the metric of answers that were asked for ahead, which is read at each scrape. */
export function createReadAheadMetrics(
  registry: MetricsRegistry,
  {
    upstreams,
    list,
  }: { readonly upstreams: LabelNames; readonly list: () => Iterable<readonly [string, ReadAheadCounts]> },
): void {
  new Counter({
    name: 'postern_read_ahead_total',
    help: 'What became of answers asked for ahead: used, unused (the client did without), refused (-ERR), too_large, broken (by the upstream).',
    labelNames: ['upstream', 'outcome'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [name, counts] of list()) {
        const upstream = upstreams.label(name);
        for (const outcome of readAheadOutcomes) this.inc({ upstream, outcome }, counts[outcome]);
      }
    },
  });
}
