import { readFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { collectDefaultMetrics, Gauge } from 'prom-client';

import type { MetricsRegistry } from './exposition.ts';
import { residentOctets } from './memory-use.ts';

/** Metrics that prom-client reads from `/proc`; where that cannot be read it would show zeros. */
const procMetrics = [
  'process_resident_memory_bytes',
  'process_virtual_memory_bytes',
  'process_heap_bytes',
  'process_open_fds',
  'process_max_fds',
];

/** Each of these makes the runtime list all its sockets: with thousands of sessions that holds all of them up at every scrape. */
const costlyMetrics = [
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
  'nodejs_active_resources',
  'nodejs_active_resources_total',
];

const openFiles = '/proc/self/fd';

/** Adds prom-client's metrics of the process and its runtime, as far as this machine and its permissions tell them. */
export function addProcessMetrics(registry: MetricsRegistry): void {
  collectDefaultMetrics({ register: registry });
  for (const name of costlyMetrics) registry.removeSingleMetric(name);
  if (isProcReadable()) {
    replaceOpenFiles(registry);
    return;
  }
  for (const name of procMetrics) registry.removeSingleMetric(name);
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory size in bytes.',
    registers: [registry],
    collect() {
      const resident = residentOctets();
      if (resident !== undefined) this.set(resident);
    },
  });
}

/** prom-client's own lists them while everything waits. */
function replaceOpenFiles(registry: MetricsRegistry): void {
  const own = registry.getSingleMetric('process_open_fds');
  if (own === undefined) return;
  registry.removeSingleMetric('process_open_fds');
  new Gauge({
    name: 'process_open_fds',
    help: 'Number of open file descriptors.',
    registers: [registry],
    async collect() {
      const count = await countOpenFiles().catch(() => undefined);
      if (count !== undefined) this.set(count);
    },
  });
}

/** Linux tells the number as the directory's size since 6.2; before, they are listed, and one is the listing's own. */
async function countOpenFiles(): Promise<number> {
  const { size } = await stat(openFiles);
  return size > 0 ? size : (await readdir(openFiles)).length - 1;
}

function isProcReadable(): boolean {
  try {
    readFileSync('/proc/self/status');
    return true;
  } catch {
    return false;
  }
}
