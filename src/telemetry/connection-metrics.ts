import { transports } from '../policy/transport.ts';
import { closeReasons, type GateEvent, refusalReasons } from '../proxy/events.ts';
import { exemplarOf } from './exemplar.ts';
import type { MetricsRegistry } from './exposition.ts';
import { closedLabel, type NamesInUse } from './label.ts';
import { TalliedCounter, TalliedHistogram } from './tallied-metrics.ts';

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
      metrics.refused.of(listener(event.listener), refusal(event.reason)).inc(),
    opened: (event: EventOf<'sessionOpened'>) => metrics.connections.of(listener(event.listener)).inc(),
    secured: (event: EventOf<'clientTlsEstablished'>) => {
      const name = listener(event.listener);
      metrics.clientTls.of(name, transport(event.transport), version(event.tls.version)).inc();
      // A balancer that ended TLS does not tell how long it took.
      if (event.durationMs !== undefined) metrics.clientTlsSeconds.of(name).observe(event.durationMs / 1000);
    },
    notSecured: (event: EventOf<'clientTlsFailed'>) =>
      metrics.clientTlsFailures.of(listener(event.listener), transport(event.transport)).inc(),
    closed: (event: EventOf<'sessionClosed'>) => {
      const name = listener(event.listener);
      metrics.closed.of(name, closing(event.reason)).inc();
      metrics.sessionSeconds.of(name).observe(event.durationMs / 1000, exemplarOf(event));
    },
  };
}

function register(registry: MetricsRegistry) {
  const registers = [registry];
  return {
    connections: new TalliedCounter({
      name: 'postern_connections_total',
      help: 'Client connections that were let in and became a session.',
      labelNames: ['listener'],
      registers,
    }),
    refused: new TalliedCounter({
      name: 'postern_connections_refused_total',
      help: 'Client connections that were closed at once, by reason.',
      labelNames: ['listener', 'reason'],
      registers,
    }),
    clientTls: new TalliedCounter({
      name: 'postern_client_tls_total',
      help: 'TLS handshakes with clients that succeeded, by transport (stls, implicit) and TLS version.',
      labelNames: ['listener', 'transport', 'version'],
      registers,
    }),
    clientTlsSeconds: new TalliedHistogram({
      name: 'postern_client_tls_seconds',
      help: 'Time in seconds that successful TLS handshakes with clients took, waiting for the client included.',
      labelNames: ['listener'],
      buckets: handshakeBuckets,
      registers,
    }),
    clientTlsFailures: new TalliedCounter({
      name: 'postern_client_tls_failures_total',
      help: 'TLS handshakes with clients that failed, by transport (stls, implicit).',
      labelNames: ['listener', 'transport'],
      registers,
    }),
    closed: new TalliedCounter({
      name: 'postern_sessions_closed_total',
      help: 'Sessions that ended, by reason.',
      labelNames: ['listener', 'reason'],
      registers,
    }),
    sessionSeconds: new TalliedHistogram({
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
    metrics.connections.of(listener);
    metrics.sessionSeconds.of(listener);
    for (const transport of tlsTransports) metrics.clientTlsFailures.of(listener, transport);
    for (const reason of refusalReasons) metrics.refused.of(listener, reason);
    for (const reason of closeReasons) metrics.closed.of(listener, reason);
  }
}
