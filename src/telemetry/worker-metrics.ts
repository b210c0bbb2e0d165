import { Counter, Gauge } from 'prom-client';
import type { MetricsRegistry } from './exposition.ts';

/** How much of its thread a worker uses. */
export interface ThreadLoad {
  /** Octets. */
  readonly heapUsed: number;
  readonly heapTotal: number;
  /** For how long its event loop was held up, in seconds; absent where the runtime does not tell. */
  readonly loopDelay?: Readonly<Record<(typeof loopDelayFigures)[number], number>>;
}

/** Of a worker that serves, and of one that is being replaced. */
const workerStates = ['running', 'starting'] as const;

const loopDelayFigures = ['mean', 'p50', 'p90', 'p99', 'max'] as const;

/** The threads that serve clients, as the metrics look at them. */
export interface WorkersView {
  readonly counts: () => Readonly<Record<(typeof workerStates)[number], number>>;
  readonly restarts: () => number;
  /** The main thread and all workers. */
  readonly loads: () => readonly ThreadLoad[];
  /** Has the workers tell how they are; rejects never, bounded in time. */
  readonly refresh: () => Promise<void>;
}

/** Makes the metrics of workers, and replaces those of the runtime that would tell of the main thread alone. */
export function createWorkerMetrics(registry: MetricsRegistry, { counts, restarts, loads }: WorkersView): void {
  new Gauge({
    name: 'postern_workers',
    help: 'Threads that serve clients, by state (running, starting); absent where the main thread serves them.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const now = counts();
      for (const state of workerStates) this.set({ state }, now[state]);
    },
  });
  new Counter({
    name: 'postern_worker_restarts_total',
    help: 'Workers that were lost with their sessions, and replaced; absent where the main thread serves clients.',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(restarts());
    },
  });
  for (const figure of loopDelayFigures) {
    const worst = (): number => Math.max(0, ...loads().map(({ loopDelay }) => loopDelay?.[figure] ?? 0));
    replace(registry, { name: `nodejs_eventloop_lag_${figure}_seconds`, of: 'the busiest thread', read: worst });
  }
  const sum = (key: 'heapUsed' | 'heapTotal') => () => loads().reduce((total, load) => total + load[key], 0);
  replace(registry, { name: 'nodejs_heap_size_used_bytes', of: 'all threads together', read: sum('heapUsed') });
  replace(registry, { name: 'nodejs_heap_size_total_bytes', of: 'all threads together', read: sum('heapTotal') });
}

interface Replacement {
  readonly name: string;
  readonly of: string;
  readonly read: () => number;
}

function replace(registry: MetricsRegistry, { name, of, read }: Replacement): void {
  const own = registry.getSingleMetric(name);
  if (own === undefined) return;
  registry.removeSingleMetric(name);
  new Gauge({
    name,
    help: `${('help' in own ? String(own.help) : name).replace(/\.$/, '')}, of ${of}.`,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}
