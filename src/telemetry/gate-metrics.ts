import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { limitNames } from '../policy/login-limits.ts';
import { transports } from '../policy/transport.ts';
import { isTlsFailure, upstreamFailureReasons } from '../policy/upstream-failure.ts';
import { type GateEvent, type LoginResult, loginResults, refusalReasons } from '../proxy/events.ts';
import { closedLabel, noneLabel } from './label.ts';

/** The closed sets that labels come from, besides those fixed in code. */
export interface GateMetricsOptions {
  readonly registry: Registry;
  readonly listeners: readonly string[];
  readonly upstreams: readonly string[];
  /** The files of Postern's own certificates. */
  readonly certificates: readonly string[];
}

type LoginFinished = Extract<GateEvent, { kind: 'loginFinished' }>;

const tlsVersions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3', 'unknown'];
const limitActions = ['blocked', 'limited', 'lifted'] as const;

/** A login is a dial, a handshake and two round trips: from a LAN's milliseconds to the upstream time-outs. */
const loginBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** From a poll that finds nothing to a large maildrop over a slow line. */
const sessionBuckets = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600];

/** Results that tell how long an upstream took; the others never asked one, or did not wait for it. */
const timedResults: ReadonlySet<LoginResult> = new Set([
  'accepted',
  'refused',
  'busy',
  'denied',
  'untrusted',
  'unreachable',
]);

/** Makes the metrics that events feed, and returns what feeds them. */
export function createGateMetrics(options: GateMetricsOptions): (event: GateEvent) => void {
  const closed = {
    listener: closedLabel(options.listeners),
    upstream: closedLabel(options.upstreams),
    transport: closedLabel(transports),
    version: closedLabel(tlsVersions),
    result: closedLabel(loginResults),
    refusal: closedLabel(refusalReasons),
    failure: closedLabel(upstreamFailureReasons),
    limit: closedLabel(limitNames),
    certificate: closedLabel(options.certificates),
  };
  const upstreamLabel = (name: string | undefined) => (name === undefined ? noneLabel : closed.upstream(name));
  const metrics = register(options.registry);
  prepare(metrics, options);

  const recordLogin = (event: LoginFinished) => {
    const upstream = upstreamLabel(event.upstream);
    metrics.logins.inc({
      listener: closed.listener(event.listener),
      upstream,
      transport: closed.transport(event.transport),
      result: closed.result(event.result),
    });
    const wasAsked = timedResults.has(event.result) && event.deniedBy === undefined;
    if (wasAsked) metrics.loginSeconds.observe({ upstream }, event.durationMs / 1000);
    if (event.failure && isTlsFailure(event.failure.reason)) {
      metrics.upstreamTlsFailures.inc({ upstream, reason: closed.failure(event.failure.reason) });
    }
  };

  return (event) => {
    switch (event.kind) {
      case 'connectionRefused':
        return metrics.refused.inc({
          listener: closed.listener(event.listener),
          reason: closed.refusal(event.reason),
        });
      case 'sessionOpened':
        return metrics.connections.inc({ listener: closed.listener(event.listener) });
      case 'clientTlsEstablished':
        return metrics.clientTls.inc({
          listener: closed.listener(event.listener),
          transport: closed.transport(event.transport),
          version: closed.version(event.tls.version),
        });
      case 'upstreamConnected':
        return metrics.connectSeconds.observe({ upstream: closed.upstream(event.upstream) }, event.durationMs / 1000);
      case 'loginFinished':
        return recordLogin(event);
      case 'sessionClosed':
        return metrics.sessionSeconds.observe({ listener: closed.listener(event.listener) }, event.durationMs / 1000);
      case 'loginBlocked':
        return metrics.limits.inc({ limit: closed.limit(event.limit), action: 'blocked' });
      case 'loginLimited':
        return metrics.limits.inc({ limit: closed.limit(event.limit), action: 'limited' });
      case 'blockLifted':
        return metrics.limits.inc({ limit: closed.limit(event.limit), action: 'lifted' });
      case 'storeChanged':
        return metrics.storeUp.set({ store: event.store }, event.isUp ? 1 : 0);
      case 'clientTlsFailed':
        return metrics.clientTlsFailures.inc({
          listener: closed.listener(event.listener),
          transport: closed.transport(event.transport),
        });
      case 'certificateReloaded':
        return metrics.certificateReloads.inc({ name: closed.certificate(event.name), result: 'reloaded' });
      case 'certificateRejected':
        return metrics.certificateReloads.inc({ name: closed.certificate(event.name), result: 'rejected' });
      case 'clientInfoNotTaken':
      case 'certificateExpiring':
      case 'plaintextExceptionEnding':
      case 'relayStarted':
        return;
      default:
        return event satisfies never;
    }
  };
}

function register(registry: Registry) {
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
    clientTlsFailures: new Counter({
      name: 'postern_client_tls_failures_total',
      help: 'TLS handshakes with clients that failed, by transport (stls, implicit).',
      labelNames: ['listener', 'transport'],
      registers,
    }),
    certificateReloads: new Counter({
      name: 'postern_certificate_reloads_total',
      help: 'Changes of a certificate file that were taken over (reloaded) or could not be used (rejected).',
      labelNames: ['name', 'result'],
      registers,
    }),
    logins: new Counter({
      name: 'postern_logins_total',
      help: 'Finished login attempts by result; upstream is "none" where no upstream serves the account.',
      labelNames: ['listener', 'upstream', 'transport', 'result'],
      registers,
    }),
    loginSeconds: new Histogram({
      name: 'postern_login_seconds',
      help: 'Time in seconds from the complete credentials to the reply, for logins that an upstream was asked about.',
      labelNames: ['upstream'],
      buckets: loginBuckets,
      registers,
    }),
    connectSeconds: new Histogram({
      name: 'postern_upstream_connect_seconds',
      help: 'Time in seconds from the first packet to the verified, greeted upstream connection.',
      labelNames: ['upstream'],
      buckets: loginBuckets,
      registers,
    }),
    upstreamTlsFailures: new Counter({
      name: 'postern_upstream_tls_failures_total',
      help: 'Logins not sent on because the upstream could not be trusted, by reason.',
      labelNames: ['upstream', 'reason'],
      registers,
    }),
    sessionSeconds: new Histogram({
      name: 'postern_session_seconds',
      help: 'Length of finished sessions in seconds.',
      labelNames: ['listener'],
      buckets: sessionBuckets,
      registers,
    }),
    limits: new Counter({
      name: 'postern_login_limits_total',
      help: 'What login limits did: blocked (a block began), limited (a login met a block), lifted (an operator ended one).',
      labelNames: ['limit', 'action'],
      registers,
    }),
    storeUp: new Gauge({
      name: 'postern_store_up',
      help: 'Whether the store of the login limits answers (1) or not (0); absent where there is none or none was asked yet.',
      labelNames: ['store'],
      registers,
    }),
  };
}

/** Starts at 0 what has few series, so that the first increase shows in `rate()`. */
function prepare(
  metrics: ReturnType<typeof register>,
  { listeners, certificates }: Pick<GateMetricsOptions, 'listeners' | 'certificates'>,
): void {
  for (const name of certificates) {
    for (const result of ['reloaded', 'rejected']) metrics.certificateReloads.inc({ name, result }, 0);
  }
  for (const listener of listeners) {
    metrics.connections.inc({ listener }, 0);
    metrics.sessionSeconds.zero({ listener });
    for (const transport of ['stls', 'implicit']) metrics.clientTlsFailures.inc({ listener, transport }, 0);
    for (const reason of refusalReasons) metrics.refused.inc({ listener, reason }, 0);
  }
  for (const limit of limitNames) {
    for (const action of limitActions) metrics.limits.inc({ limit, action }, 0);
  }
}
