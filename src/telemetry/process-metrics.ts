import { readFileSync } from 'node:fs';
import { memoryUsage } from 'node:process';
import { collectDefaultMetrics, Gauge } from 'prom-client';

import type { MetricsRegistry } from './exposition.ts';

/** Metrics that prom-client reads from `/proc`; where that cannot be read it would show zeros. */
const procMetrics = [
  'process_resident_memory_bytes',
  'process_virtual_memory_bytes',
  'process_heap_bytes',
  'process_open_fds',
  'process_max_fds',
];

/** Adds prom-client's metrics of the process and its runtime, as far as this machine and its permissions tell them. */
export function addProcessMetrics(registry: MetricsRegistry): void {
  collectDefaultMetrics({ register: registry });
  if (isProcReadable()) return;
  for (const name of procMetrics) registry.removeSingleMetric(name);
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory size in bytes.',
    registers: [registry],
    collect() {
      this.set(memoryUsage().rss);
    },
  });
}

function isProcReadable(): boolean {
  try {
    readFileSync('/proc/self/status');
    return true;
  } catch {
    return false;
  }
}
