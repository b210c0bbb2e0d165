import { Counter, Gauge } from 'prom-client';
import type { MetricsRegistry } from './exposition.ts';
import type { LabelNames } from './label.ts';

const outcomes = ['used', 'expired', 'broken', 'discarded'] as const;

/** The connections held ready for one upstream: how many there are, and what became of those before. */
export interface ReadyConnectionCounts extends Readonly<Record<(typeof outcomes)[number], number>> {
  readonly upstream: string;
  readonly ready: number;
}

/** Makes the metrics of connections that are held ready, which are read at each scrape. */
export function createReadyMetrics(
  registry: MetricsRegistry,
  { upstreams, list }: { readonly upstreams: LabelNames; readonly list: () => Iterable<ReadyConnectionCounts> },
): void {
  new Gauge({
    name: 'postern_upstream_ready',
    help: 'Verified, greeted connections that wait for the next login, for upstreams that logins went to.',
    labelNames: ['upstream'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { upstream, ready } of list()) this.inc({ upstream: upstreams.label(upstream) }, ready);
    },
  });
  new Counter({
    name: 'postern_upstream_ready_total',
    help: 'What became of connections made ready: used for a login, or closed: expired unused, broken (by the server), discarded.',
    labelNames: ['upstream', 'outcome'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { upstream: name, ...counts } of list()) {
        const upstream = upstreams.label(name);
        for (const outcome of outcomes) this.inc({ upstream, outcome }, counts[outcome]);
      }
    },
  });
}
