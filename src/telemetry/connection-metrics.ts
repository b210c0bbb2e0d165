import { Counter, Histogram } from 'prom-client';
import { transports } from '../policy/transport.ts';
import { closeReasons, type GateEvent, refusalReasons } from '../proxy/events.ts';
import { type ExemplarLabel, exemplarOf } from './exemplar.ts';
import type { MetricsRegistry } from './exposition.ts';
import { closedLabel, type NamesInUse } from './label.ts';

type EventOf<Kind extends GateEvent['kind']> = Extract<GateEvent, { kind: Kind }>;

const tlsVersions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3', 'unknown'];
const tlsTransports = ['stls', 'implicit'] as const;

/** From a poll that finds nothing to a large maildrop over a slow line. */
const sessionBuckets = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600];
/** From a resumed handshake on a LAN to a scanner's, which takes seconds for RSA alone. */
const handshakeBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Makes the metrics of the clients' side: connections, their TLS, and how sessions end. */
export function createConnectionMetrics({
  registry,
  names,
}: {
  readonly registry: MetricsRegistry;
  readonly names: NamesInUse;
}) {
  const metrics = register(registry);
  const listener = (name: string): string => names.listeners.label(name);
  const transport = closedLabel(transports);
  const version = closedLabel(tlsVersions);
  const refusal = closedLabel(refusalReasons);
  const closing = closedLabel(closeReasons);
  return {
    prepare: (listeners: Iterable<string>) => prepare(metrics, listeners),
    refused: (event: EventOf<'connectionRefused'>) =>
      metrics.refused.inc({ listener: listener(event.listener), reason: refusal(event.reason) }),
    opened: (event: EventOf<'sessionOpened'>) => metrics.connections.inc({ listener: listener(event.listener) }),
    secured: (event: EventOf<'clientTlsEstablished'>) => {
      const name = listener(event.listener);
      const labels = { listener: name, transport: transport(event.transport), version: version(event.tls.version) };
      metrics.clientTls.inc(labels);
      // A balancer that ended TLS does not tell how long it took.
      if (event.durationMs !== undefined) metrics.clientTlsSeconds.observe({ listener: name }, event.durationMs / 1000);
    },
    notSecured: (event: EventOf<'clientTlsFailed'>) =>
      metrics.clientTlsFailures.inc({ listener: listener(event.listener), transport: transport(event.transport) }),
    closed: (event: EventOf<'sessionClosed'>) => {
      const name = listener(event.listener);
      metrics.closed.inc({ listener: name, reason: closing(event.reason) });
      metrics.sessionSeconds.observe({
        labels: { listener: name },
        value: event.durationMs / 1000,
        exemplarLabels: exemplarOf(event),
      });
    },
  };
}

function register(registry: MetricsRegistry) {
  const registers = [registry];
  return {
    connections: new Counter({
      name: 'postern_connections_total',
      help: 'Client connections that were let in and became a session.',
      labelNames: ['listener'],
      registers,
    }),
    refused: new Counter({
      name: 'postern_connections_refused_total',
      help: 'Client connections that were closed at once, by reason.',
      labelNames: ['listener', 'reason'],
      registers,
    }),
    clientTls: new Counter({
      name: 'postern_client_tls_total',
      help: 'TLS handshakes with clients that succeeded, by transport (stls, implicit) and TLS version.',
      labelNames: ['listener', 'transport', 'version'],
      registers,
    }),
    clientTlsSeconds: new Histogram({
      name: 'postern_client_tls_seconds',
      help: 'Time in seconds that successful TLS handshakes with clients took, waiting for the client included.',
      labelNames: ['listener'],
      buckets: handshakeBuckets,
      registers,
    }),
    clientTlsFailures: new Counter({
      name: 'postern_client_tls_failures_total',
      help: 'TLS handshakes with clients that failed, by transport (stls, implicit).',
      labelNames: ['listener', 'transport'],
      registers,
    }),
    closed: new Counter({
      name: 'postern_sessions_closed_total',
      help: 'Sessions that ended, by reason.',
      labelNames: ['listener', 'reason'],
      registers,
    }),
    sessionSeconds: new Histogram<'listener' | ExemplarLabel>({
      name: 'postern_session_seconds',
      help: 'Length of finished sessions in seconds.',
      labelNames: ['listener'],
      buckets: sessionBuckets,
      enableExemplars: true,
      registers,
    }),
  };
}

/** Starts at 0 what has few series, so that the first increase shows in `rate()`. */
function prepare(metrics: ReturnType<typeof register>, listeners: Iterable<string>): void {
  for (const listener of listeners) {
    metrics.connections.inc({ listener }, 0);
    metrics.sessionSeconds.zero({ listener });
    for (const transport of tlsTransports) metrics.clientTlsFailures.inc({ listener, transport }, 0);
    for (const reason of refusalReasons) metrics.refused.inc({ listener, reason }, 0);
    for (const reason of closeReasons) metrics.closed.inc({ listener, reason }, 0);
  }
}
