import { Counter, Gauge } from 'prom-client';
import { type LimitName, limitNames } from '../policy/login-limits.ts';
import { countedCommands } from '../pop3/counted-command.ts';
import type { RelayMeter } from '../proxy/relay-meter.ts';
import type { MetricsRegistry } from './exposition.ts';
import { type LiveSessions, sessionStates } from './live-sessions.ts';

/** How many blocks there are now, by limit. May come from a store and may reject. */
export type CountBlocks = () => Promise<Readonly<Record<LimitName, number>>>;

/** A certificate of Postern's own, under the name it is configured by. */
export interface CertificateExpiry {
  readonly name: string;
  readonly expiresAtMs: number;
}

/** A listener whose logins without TLS end at a moment. */
export interface PlaintextException {
  readonly listener: string;
  readonly endsAtMs: number;
}

/** What the metrics look at when they are scraped. */
export interface ObservedMetricsOptions {
  readonly registry: MetricsRegistry;
  readonly listeners: Iterable<string>;
  readonly meter: RelayMeter;
  readonly sessions: LiveSessions;
  /** Undefined while there is nothing to ask. */
  readonly countBlocks: () => CountBlocks | undefined;
  readonly certificates: () => readonly CertificateExpiry[];
  readonly plaintextExceptions: () => readonly PlaintextException[];
  /** How many sessions are let in at a time. */
  readonly maxSessions: () => number | undefined;
  readonly isDraining: () => boolean;
  readonly isOverloaded: () => boolean;
}

/** A scrape must not wait for a store that hangs: Prometheus gives up after 10 s and would lose all the rest. */
const countBlocksTimeoutMs = 1_000;

/** Makes the metrics that are read from elsewhere at each scrape instead of being fed by events. */
export function createObservedMetrics(options: ObservedMetricsOptions): void {
  registerTraffic(options.registry, options.meter);
  registerPauses(options.registry, options.meter);
  registerSessions(options);
  registerCapacity(options);
  registerBlocks(options);
  registerCertificates(options);
  registerPlaintextExceptions(options);
}

function registerTraffic(registry: MetricsRegistry, meter: RelayMeter): void {
  new Counter({
    name: 'postern_commands_total',
    help: 'Commands that clients sent in the transaction state, by verb.',
    labelNames: ['command'],
    registers: [registry],
    collect() {
      this.reset();
      for (const command of countedCommands) this.inc({ command }, meter.commands[command]);
    },
  });
  new Counter({
    name: 'postern_relayed_octets_total',
    help: 'Octets relayed in the transaction state, by direction (to_upstream, to_client).',
    labelNames: ['direction'],
    registers: [registry],
    collect() {
      this.reset();
      this.inc({ direction: 'to_upstream' }, meter.octetsToUpstream);
      this.inc({ direction: 'to_client' }, meter.octetsToClient);
    },
  });
}

const sides = ['client', 'upstream'] as const;

function registerPauses(registry: MetricsRegistry, { pauses }: RelayMeter): void {
  new Counter({
    name: 'postern_relay_pauses_total',
    help: 'Times that a side (client, upstream) was not read from because the other side did not take what it had sent.',
    labelNames: ['side'],
    registers: [registry],
    collect() {
      this.reset();
      for (const side of sides) this.inc({ side }, pauses[side].count);
    },
  });
  new Counter({
    name: 'postern_relay_paused_seconds_total',
    help: 'Time in seconds that sides (client, upstream) were not read from, summed over sessions, pauses under way included.',
    labelNames: ['side'],
    registers: [registry],
    collect() {
      this.reset();
      // Sums of differences may come out a hair below zero, which no counter takes.
      for (const side of sides) this.inc({ side }, Math.max(0, pauses[side].durationMs / 1000));
    },
  });
}

function registerSessions({ registry, sessions, listeners }: ObservedMetricsOptions): void {
  new Gauge({
    name: 'postern_sessions',
    help: 'Sessions that are open now, by state (authorization, transaction).',
    labelNames: ['listener', 'state'],
    registers: [registry],
    collect() {
      for (const listener of listeners) {
        for (const state of sessionStates) this.set({ listener, state }, sessions.count(listener, state));
      }
    },
  });
}

function registerCapacity({ registry, maxSessions, isDraining, isOverloaded }: ObservedMetricsOptions): void {
  if (maxSessions() !== undefined) {
    new Gauge({
      name: 'postern_sessions_max',
      help: 'How many sessions are let in at a time (sessions.maxTotal, less where fewer files may be open).',
      registers: [registry],
      collect() {
        this.set(maxSessions() ?? 0);
      },
    });
  }
  new Gauge({
    name: 'postern_draining',
    help: 'Whether this process lets nobody in any more and waits for its sessions to end (1) or not (0).',
    registers: [registry],
    collect() {
      this.set(isDraining() ? 1 : 0);
    },
  });
  new Gauge({
    name: 'postern_overloaded',
    help: 'Whether this process lets nobody in because it is late or its memory used up (1) or not (0).',
    registers: [registry],
    collect() {
      this.set(isOverloaded() ? 1 : 0);
    },
  });
}

function registerBlocks({ registry, countBlocks }: ObservedMetricsOptions): void {
  new Gauge({
    name: 'postern_blocked',
    help: 'Addresses, accounts and pairs that are blocked now, by limit; absent while they cannot be counted.',
    labelNames: ['limit'],
    registers: [registry],
    async collect() {
      const counts = await settleInTime(countBlocks());
      this.reset();
      if (counts) for (const limit of limitNames) this.set({ limit }, counts[limit]);
    },
  });
}

function registerCertificates({ registry, certificates }: ObservedMetricsOptions): void {
  new Gauge({
    name: 'postern_certificate_expiry_seconds',
    help: 'When a certificate of Postern itself expires, in seconds since 1970-01-01 UTC (compare it with time()).',
    labelNames: ['name'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { name, expiresAtMs } of certificates()) this.set({ name }, Math.floor(expiresAtMs / 1000));
    },
  });
}

function registerPlaintextExceptions({ registry, plaintextExceptions }: ObservedMetricsOptions): void {
  new Gauge({
    name: 'postern_plaintext_exception_seconds',
    help: 'When logins without TLS end on a listener, in seconds since 1970-01-01 UTC; absent where no end is set.',
    labelNames: ['listener'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { listener, endsAtMs } of plaintextExceptions()) this.set({ listener }, endsAtMs / 1000);
    },
  });
}

async function settleInTime(countBlocks: CountBlocks | undefined) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, countBlocksTimeoutMs, undefined);
  });
  try {
    return await Promise.race([countBlocks?.(), timeout]);
  } catch {
    // The store's trouble has its own event and metric; here its numbers are missing.
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
