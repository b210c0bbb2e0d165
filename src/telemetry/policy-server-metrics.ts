import { Counter, Gauge } from 'prom-client';
import type { MetricsRegistry } from './exposition.ts';
import { closedLabel } from './label.ts';
import { TalliedHistogram } from './tallied-metrics.ts';

const results = ['accepted', 'delayed', 'rejected', 'failed', 'skipped'];

/** From a server on the same machine to the longest time-out. */
const askedBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** How many reports there were since the start. */
export interface PolicyReportCounts {
  readonly sent: number;
  readonly lost: number;
}

/** Takes what happens between Postern and its policy server. */
export interface PolicyServerMeter {
  /** A question about a login was answered, failed, or was skipped because the server was gone. */
  asked(result: string, durationMs: number): void;
  changed(isUp: boolean): void;
}

/** Makes the metrics of a policy server. */
export function createPolicyServerMetrics(
  registry: MetricsRegistry,
  countReports: () => PolicyReportCounts,
): PolicyServerMeter {
  const registers = [registry];
  const seconds = new TalliedHistogram({
    name: 'postern_policy_server_seconds',
    help: 'Time in seconds that the policy server took to answer about a login, by result (accepted, delayed, rejected, failed, skipped).',
    labelNames: ['result'],
    buckets: askedBuckets,
    registers,
  });
  const up = new Gauge({
    name: 'postern_policy_server_up',
    help: 'Whether the policy server is asked (1), or gave no answer several times in a row (0).',
    registers,
  });
  up.set(1);
  for (const result of results) seconds.of(result);
  new Counter({
    name: 'postern_policy_reports_total',
    help: 'Reports of logins that the policy server took (sent), or that found no room or failed (lost).',
    labelNames: ['outcome'],
    registers,
    collect() {
      const { sent, lost } = countReports();
      this.reset();
      this.inc({ outcome: 'sent' }, sent);
      this.inc({ outcome: 'lost' }, lost);
    },
  });
  const label = closedLabel(results);
  return {
    asked: (result, durationMs) => seconds.of(label(result)).observe(durationMs / 1000),
    changed: (isUp) => up.set(isUp ? 1 : 0),
  };
}
