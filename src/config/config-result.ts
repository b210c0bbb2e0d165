import { resolve } from 'node:path';
import type { LoginLimit } from '../policy/login-limits.ts';
import { noNetworks } from '../policy/networks.ts';
import type { Config, ListenerConfig, UpstreamConfig } from './config.ts';
import { defaultUpstreamPort } from './cross-checks.ts';
import type { CheckedConfig } from './schema.ts';

/** What a checked configuration is completed with. */
export interface ConfigCompletion {
  /** Where relative paths start. */
  readonly directory: string;
  /** PEM texts, by the position of their listener. */
  readonly clientAuthorities: ReadonlyMap<number, string>;
  /** PEM texts, by the position of their upstream. */
  readonly authorities: ReadonlyMap<number, string>;
  /** PEM texts of the revocation lists, likewise. */
  readonly revocationLists: ReadonlyMap<number, readonly string[]>;
}

/** Makes the frozen result of a checked configuration. */
export function toConfig(checked: CheckedConfig, { directory, clientAuthorities, ...trust }: ConfigCompletion): Config {
  const { listeners, tls, upstreams, routing, sessions, limits, redis, inventory, admin, log } = checked;
  const absolute = (path: string): string => resolve(directory, path);
  return deepFreeze({
    listeners: listeners.map((listener, index) => toListener(listener, clientAuthorities.get(index))),
    tls: { certificates: tls.certificates.map(({ cert, key }) => ({ cert: absolute(cert), key: absolute(key) })) },
    upstreams: upstreams.map((upstream, index) => toUpstream(upstream, { index, ...trust })),
    routing: { separators: routing.separators, ...(routing.default === undefined ? {} : { default: routing.default }) },
    sessions: {
      maxTotal: sessions.maxTotal,
      maxPerAddress: sessions.maxPerAddress,
      loginTimeoutMs: sessions.loginTimeout,
      idleTimeoutMs: sessions.idleTimeout,
      drainTimeoutMs: sessions.drainTimeout,
    },
    limits: {
      perAddress: toLimit(limits.perAddress),
      perAccount: toLimit(limits.perAccount),
      perAddressAndAccount: toLimit(limits.perAddressAndAccount),
      exempt: limits.exempt,
      onStoreFailure: limits.onStoreFailure,
    },
    ...(redis === undefined ? {} : { redis }),
    inventory: { retentionMs: inventory.retention, maxEntries: inventory.maxEntries },
    admin: { ...admin.address, tokens: admin.tokens },
    log,
  });
}

function toListener(checked: CheckedConfig['listeners'][number], clientCa: string | undefined): ListenerConfig {
  const { name, address, tls, plaintextFrom, plaintextUntil, proxyProtocolFrom, trustProxyTls, upstream } = checked;
  const { tlsProfile, clientCertificate = 'require', certificateAccounts } = checked;
  return {
    name,
    ...address,
    tls,
    plaintextFrom: plaintextFrom ?? noNetworks,
    ...(plaintextUntil === undefined ? {} : { plaintextEndsAtMs: plaintextUntil }),
    tlsProfile,
    ...(clientCa === undefined ? {} : { clientCertificates: { mode: clientCertificate, ca: clientCa } }),
    ...(certificateAccounts === undefined ? {} : { certificateAccounts }),
    ...(proxyProtocolFrom === undefined ? {} : { proxyProtocolFrom }),
    ...(trustProxyTls === undefined ? {} : { trustProxyTls }),
    ...(upstream === undefined ? {} : { upstream }),
  };
}

function toUpstream(
  checked: CheckedConfig['upstreams'][number],
  {
    index,
    authorities,
    revocationLists,
  }: { index: number } & Pick<ConfigCompletion, 'authorities' | 'revocationLists'>,
): UpstreamConfig {
  const ca = authorities.get(index);
  const crl = revocationLists.get(index);
  const { name, host, port, tls, serverName, minVersion, pins, domains, username, clientInfo } = checked;
  return {
    name,
    host,
    port: port ?? defaultUpstreamPort(tls),
    tls,
    serverName: serverName ?? host,
    minVersion,
    ...(ca === undefined ? {} : { ca }),
    ...(pins === undefined ? {} : { pins }),
    ...(crl === undefined ? {} : { crl }),
    domains,
    username,
    ...(clientInfo === undefined ? {} : { clientInfo }),
  };
}

function toLimit({ failures, window, block, maxBlock }: CheckedConfig['limits']['perAddress']): LoginLimit {
  return { failures, windowMs: window, blockMs: block, maxBlockMs: maxBlock };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
