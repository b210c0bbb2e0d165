import type { UpstreamConfig } from '../config/config.ts';
import type { Block } from '../guard/guard.ts';
import { explainToOperator } from '../policy/upstream-failure.ts';
import type { TlsFacts } from '../proxy/events.ts';
import type { LiveSession } from '../telemetry/live-sessions.ts';
import type { UpstreamHealth } from '../telemetry/upstream-health.ts';
import type { AdminPorts } from './ports.ts';
import { assessReadiness } from './readiness.ts';

/** The process and its gate, as the API shows them. */
export function viewStatus(ports: AdminPorts, nowMs: number) {
  const { version, runtime, startedAtMs, meter, sessions } = ports;
  const gate = ports.gateState();
  const readiness = assessReadiness(gate);
  return {
    version,
    runtime,
    startedAt: isoTime(startedAtMs),
    uptimeSeconds: Math.max(0, Math.floor((nowMs - startedAtMs) / 1000)),
    status: readiness.status,
    checks: readiness.checks,
    listeners: gate.listeners.map(({ name, address, tls, isListening }) => ({ name, address, tls, isListening })),
    sessions: sessions.size,
    relayed: { octetsToUpstream: meter.octetsToUpstream, octetsToClient: meter.octetsToClient },
  };
}

/** A session as the API shows it. */
export function viewSession(session: LiveSession) {
  const { id, listener, address, port, transport, state, account, upstream, clientTls, upstreamTls, traffic } = session;
  return {
    id,
    listener,
    address,
    port,
    proxySource: session.proxySource ?? null,
    correlationId: session.correlationId ?? null,
    transport,
    state,
    account: account ?? null,
    upstream: upstream ?? null,
    openedAt: isoTime(session.openedAtMs),
    relayingSince: session.relayingSinceMs === undefined ? null : isoTime(session.relayingSinceMs),
    clientTls: clientTls ? viewTls(clientTls) : null,
    clientCertificate: viewCertificate(session.clientCertificate),
    upstreamTls: upstreamTls ? viewTls(upstreamTls) : null,
    octetsToUpstream: traffic.toUpstream,
    octetsToClient: traffic.toClient,
  };
}

function viewTls({ version, cipher, keyExchange, isResumed }: TlsFacts) {
  return { version, cipher, keyExchange: keyExchange ?? null, isResumed };
}

function viewCertificate(certificate: LiveSession['clientCertificate']) {
  return certificate ? { subject: certificate.subject, fingerprint: certificate.fingerprint } : null;
}

/** A block as the API shows it. */
export function viewBlock({ id, limit, subject, untilMs }: Block) {
  return { id, limit, subject, until: isoTime(untilMs) };
}

/** The configured upstreams, then the built-in providers that a login went to. */
export function viewUpstreams({ upstreams, health }: Pick<AdminPorts, 'upstreams' | 'health'>) {
  const configured = upstreams.map((upstream) => viewConfigured(upstream, health.get(upstream.name)));
  const names = new Set(upstreams.map((upstream) => upstream.name));
  const seen = health.list().filter(({ name }) => !names.has(name));
  return [...configured, ...seen.map((each) => ({ name: each.name, isConfigured: false, ...viewHealth(each) }))];
}

function viewConfigured(upstream: UpstreamConfig, health: UpstreamHealth | undefined) {
  const { name, host, port, tls, serverName, minVersion, domains } = upstream;
  const trust = {
    hasOwnAuthority: upstream.ca !== undefined,
    pins: upstream.pins ?? [],
    checksRevocation: upstream.crl !== undefined,
  };
  const address = { host, port, tls, serverName, minVersion, ...trust, domains };
  return { name, isConfigured: true, ...address, ...viewHealth(health) };
}

function viewHealth(health: UpstreamHealth | undefined) {
  const { logins, lastLogin, lastFailure, lastConnection } = health ?? {};
  return {
    logins: logins ?? {},
    lastLogin: lastLogin ? { result: lastLogin.result, at: isoTime(lastLogin.atMs) } : null,
    lastFailure: lastFailure
      ? {
          reason: lastFailure.reason,
          explanation: explainToOperator(lastFailure.reason),
          detail: lastFailure.detail,
          at: isoTime(lastFailure.atMs),
        }
      : null,
    lastConnection: lastConnection
      ? {
          address: lastConnection.address,
          tlsVersion: lastConnection.tlsVersion,
          cipher: lastConnection.cipher,
          keyExchange: lastConnection.keyExchange ?? null,
          isResumed: lastConnection.isResumed,
          durationMs: Math.round(lastConnection.durationMs),
          at: isoTime(lastConnection.atMs),
        }
      : null,
  };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
