import { Counter, Gauge } from 'prom-client';
import type { GateEvent } from '../proxy/events.ts';
import type { MetricsRegistry } from './exposition.ts';
import { closedLabel, type NamesInUse } from './label.ts';
import { TalliedHistogram } from './tallied-metrics.ts';

type EventOf<Kind extends GateEvent['kind']> = Extract<GateEvent, { kind: Kind }>;

/** Tells how long the store took for an operation; those that failed count as well. */
export type TimeStoreCall = (operation: string, durationMs: number) => void;

/** What the store of the login limits is asked; metric label. */
const storeOperations = [
  'look',
  'release',
  'countFailure',
  'noteAccepted',
  'noteSessions',
  'describeAccount',
  'listBlocks',
  'restoreBlocks',
  'liftBlock',
  'countBlocks',
];
const reloadResults = ['reloaded', 'rejected'] as const;

/** A local Redis answers in a fraction of a millisecond; the last bounds are those of its time-outs. */
const storeBuckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5];

/** Makes the metrics of what Postern itself depends on: the store of its limits, its certificates. */
export function createStoreMetrics({
  registry,
  names,
}: {
  readonly registry: MetricsRegistry;
  readonly names: NamesInUse;
}) {
  const registers = [registry];
  const up = new Gauge({
    name: 'postern_store_up',
    help: 'Whether the store of the login limits answers (1) or not (0); absent where there is none or none was asked yet.',
    labelNames: ['store'],
    registers,
  });
  const seconds = new TalliedHistogram({
    name: 'postern_store_seconds',
    help: 'Time in seconds that the shared store of the login limits took for an operation, failed ones included.',
    labelNames: ['operation'],
    buckets: storeBuckets,
    registers,
  });
  const reloads = new Counter({
    name: 'postern_certificate_reloads_total',
    help: 'Changes of a certificate file that were taken over (reloaded) or could not be used (rejected).',
    labelNames: ['name', 'result'],
    registers,
  });
  const operation = closedLabel(storeOperations);
  const certificate = (name: string): string => names.certificates.label(name);
  const time: TimeStoreCall = (name, durationMs) => seconds.of(operation(name)).observe(durationMs / 1000);
  return {
    /** Starts at 0, so that the first increase shows in `rate()`. */
    prepare: (certificates: Iterable<string>) => {
      for (const name of certificates) {
        for (const result of reloadResults) reloads.inc({ name, result }, 0);
      }
    },
    changed: (event: EventOf<'storeChanged'>) => up.set({ store: event.store }, event.isUp ? 1 : 0),
    reloaded: (event: EventOf<'certificateReloaded'>) =>
      reloads.inc({ name: certificate(event.name), result: 'reloaded' }),
    rejected: (event: EventOf<'certificateRejected'>) =>
      reloads.inc({ name: certificate(event.name), result: 'rejected' }),
    time,
  };
}
