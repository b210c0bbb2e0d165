import { guardReasons } from '../policy/guard/admission.ts';
import { type LimitName, limitNames } from '../policy/login-limits.ts';
import { transports } from '../policy/transport.ts';
import { isTlsFailure, upstreamFailureReasons } from '../policy/upstream-failure.ts';
import { type GateEvent, type LoginResult, loginResults } from '../proxy/events.ts';
import { exemplarOf } from './exemplar.ts';
import type { MetricsRegistry } from './exposition.ts';
import { closedLabel, type NamesInUse, noneLabel } from './label.ts';
import { TalliedCounter, TalliedHistogram } from './tallied-metrics.ts';

type EventOf<Kind extends GateEvent['kind']> = Extract<GateEvent, { kind: Kind }>;

/** What login limits do; metric label. */
type LimitAction = (typeof limitActions)[number];
const limitActions = ['blocked', 'limited', 'lifted'] as const;

const allowed = 'allowed';
const guardPhases = ['admit', 'settle'] as const;

/** A login is a dial, a handshake and two round trips: from a LAN's milliseconds to the upstream time-outs. */
const loginBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** The guard has a millisecond; a store that hangs costs its time-out. */
const guardBuckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5];

/** Results that tell how long an upstream took; the others never asked one, or did not wait for it. */
const timedResults: ReadonlySet<LoginResult> = new Set([
  'accepted',
  'refused',
  'busy',
  'denied',
  'untrusted',
  'unreachable',
]);

/** Makes the metrics of logins: their results, the guard's decisions, and the way to the upstream. */
export function createLoginMetrics({
  registry,
  names,
}: {
  readonly registry: MetricsRegistry;
  readonly names: NamesInUse;
}) {
  const metrics = register(registry);
  const listener = (name: string): string => names.listeners.label(name);
  const knownUpstream = (name: string): string => names.upstreams.label(name);
  const transport = closedLabel(transports);
  const result = closedLabel(loginResults);
  const failure = closedLabel(upstreamFailureReasons);
  const decision = closedLabel([allowed, ...guardReasons]);
  const limitName = closedLabel(limitNames);
  prepare(metrics);
  return {
    connected: (event: EventOf<'upstreamConnected' | 'readyConnectionMade'>) => {
      const upstream = knownUpstream(event.upstream);
      const exemplar = event.kind === 'upstreamConnected' ? exemplarOf(event) : undefined;
      metrics.connectSeconds.of(upstream).observe(event.durationMs / 1000, exemplar);
      if (event.handshakeMs !== undefined) metrics.upstreamTlsSeconds.of(upstream).observe(event.handshakeMs / 1000);
    },
    finished: (event: EventOf<'loginFinished'>) => {
      const upstream = event.upstream === undefined ? noneLabel : knownUpstream(event.upstream);
      const exemplar = exemplarOf(event);
      metrics.logins
        .of(listener(event.listener), upstream, transport(event.transport), result(event.result))
        .inc(exemplar);
      const wasAsked = timedResults.has(event.result) && event.deniedBy === undefined;
      if (wasAsked) metrics.loginSeconds.of(upstream).observe(event.durationMs / 1000, exemplar);
      if (event.failure && isTlsFailure(event.failure.reason)) {
        metrics.upstreamTlsFailures.of(upstream, failure(event.failure.reason)).inc(exemplar);
      }
      if (event.guardMs === undefined) return;
      const { admitMs, settleMs } = event.guardMs;
      metrics.guardDecisions.of(decision(event.guard?.reason ?? allowed)).inc();
      metrics.guardSeconds.of('admit').observe(admitMs / 1000);
      if (settleMs !== undefined) metrics.guardSeconds.of('settle').observe(settleMs / 1000);
    },
    limit: (limit: LimitName, action: LimitAction) => metrics.limits.of(limitName(limit), action).inc(),
  };
}

function register(registry: MetricsRegistry) {
  const registers = [registry];
  return {
    logins: new TalliedCounter({
      name: 'postern_logins_total',
      help: 'Finished login attempts by result; upstream is "none" where no upstream serves the account.',
      labelNames: ['listener', 'upstream', 'transport', 'result'],
      enableExemplars: true,
      registers,
    }),
    loginSeconds: new TalliedHistogram({
      name: 'postern_login_seconds',
      help: 'Time in seconds from the complete credentials to the outcome, for logins that an upstream was asked about.',
      labelNames: ['upstream'],
      buckets: loginBuckets,
      enableExemplars: true,
      registers,
    }),
    connectSeconds: new TalliedHistogram({
      name: 'postern_upstream_connect_seconds',
      help: 'Time in seconds from the first packet to the verified, greeted upstream connection.',
      labelNames: ['upstream'],
      buckets: loginBuckets,
      enableExemplars: true,
      registers,
    }),
    upstreamTlsSeconds: new TalliedHistogram({
      name: 'postern_upstream_tls_seconds',
      help: 'Time in seconds that verified TLS handshakes with upstreams took; part of postern_upstream_connect_seconds.',
      labelNames: ['upstream'],
      buckets: loginBuckets,
      registers,
    }),
    upstreamTlsFailures: new TalliedCounter({
      name: 'postern_upstream_tls_failures_total',
      help: 'Logins not sent on because the upstream could not be trusted, by reason.',
      labelNames: ['upstream', 'reason'],
      enableExemplars: true,
      registers,
    }),
    guardDecisions: new TalliedCounter({
      name: 'postern_guard_decisions_total',
      help: 'Logins that the guard was asked about: allowed, or the reason for which it refused.',
      labelNames: ['decision'],
      registers,
    }),
    guardSeconds: new TalliedHistogram({
      name: 'postern_guard_seconds',
      help: 'Time in seconds that logins waited for the guard: to be let in (admit), to have their outcome noted (settle).',
      labelNames: ['phase'],
      buckets: guardBuckets,
      registers,
    }),
    limits: new TalliedCounter({
      name: 'postern_login_limits_total',
      help: 'What login limits did: blocked (a block began), limited (a login met a block), lifted (an operator ended one).',
      labelNames: ['limit', 'action'],
      registers,
    }),
  };
}

/** Starts at 0 what has few series, so that the first increase shows in `rate()`. */
function prepare(metrics: ReturnType<typeof register>): void {
  for (const decision of [allowed, ...guardReasons]) metrics.guardDecisions.of(decision);
  for (const phase of guardPhases) metrics.guardSeconds.of(phase);
  for (const limit of limitNames) {
    for (const action of limitActions) metrics.limits.of(limit, action);
  }
}
