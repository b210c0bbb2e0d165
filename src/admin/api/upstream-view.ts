import type { UpstreamConfig } from '../../config/config.ts';
import { explainToOperator } from '../../policy/upstream-failure.ts';
import type { UpstreamHealth } from '../../telemetry/upstream-health.ts';
import type { AdminPorts } from '../ports.ts';
import { isoTime } from './paging.ts';

type UpstreamPorts = Pick<AdminPorts, 'upstreams' | 'health'>;

/** The configured upstreams, then the built-in providers that a login went to. */
export function viewUpstreams({ upstreams, health }: UpstreamPorts) {
  const configured = upstreams();
  const names = new Set(configured.map(({ name }) => name));
  const seen = health.list().filter(({ name }) => !names.has(name));
  return [
    ...configured.map((upstream) => viewConfigured(upstream, health.get(upstream.name))),
    ...seen.map(viewBuiltIn),
  ];
}

/** One of them. */
export function findUpstream({ upstreams, health }: UpstreamPorts, name: string) {
  const configured = upstreams().find((upstream) => upstream.name === name);
  const seen = health.get(name);
  if (configured !== undefined) return viewConfigured(configured, seen);
  return seen && viewBuiltIn(seen);
}

function viewBuiltIn(health: UpstreamHealth) {
  return { name: health.name, isConfigured: false, ...viewHealth(health) };
}

function viewConfigured(upstream: UpstreamConfig, health: UpstreamHealth | undefined) {
  const { name, host, port, tls, serverName, minVersion, domains } = upstream;
  const trust = {
    hasOwnAuthority: upstream.ca !== undefined,
    pins: [...(upstream.pins ?? [])],
    checksRevocation: upstream.crl !== undefined,
  };
  const address = { host, port, tls, serverName, minVersion, ...trust, domains: [...domains] };
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
