import { Counter, Gauge } from 'prom-client';
import type { MetricsRegistry } from './exposition.ts';

const reloadResults = ['reloaded', 'rejected'] as const;

/** Makes the metrics of the configuration that is read anew. The one that the process starts with counts as its first success. */
export function createReloadMetrics({
  registry,
  nowMs,
}: {
  readonly registry: MetricsRegistry;
  readonly nowMs: () => number;
}) {
  const registers = [registry];
  const reloads = new Counter({
    name: 'postern_config_reloads_total',
    help: 'Times that the configuration was read anew and taken over (reloaded), or was wrong and changed nothing (rejected).',
    labelNames: ['result'],
    registers,
  });
  const lastSuccess = new Gauge({
    name: 'postern_config_last_reload_success_timestamp_seconds',
    help: 'When the configuration in effect was read, at the start or later, in seconds since 1970-01-01 UTC.',
    registers,
  });
  for (const result of reloadResults) reloads.inc({ result }, 0);
  lastSuccess.set(nowMs() / 1000);
  return {
    reloaded: () => {
      reloads.inc({ result: 'reloaded' });
      lastSuccess.set(nowMs() / 1000);
    },
    rejected: () => reloads.inc({ result: 'rejected' }),
  };
}
