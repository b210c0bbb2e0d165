import { resolve } from 'node:path';
import type { LoginLimit, LoginLimits } from '../policy/login-limits.ts';
import { noNetworks } from '../policy/networks.ts';
import type { Config, ListenerConfig, UpstreamConfig } from './config.ts';
import { defaultUpstreamPort } from './cross-checks.ts';
import { toRedisConfig } from './redis-result.ts';
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
  /** PEM text of those that Redis's certificate is verified by. */
  readonly redisAuthorities: string | undefined;
  /** PEM text of those that the policy server's certificate is verified by. */
  readonly policyServerAuthorities: string | undefined;
  /** PEM text of those of the admin interface's clients. */
  readonly adminAuthorities: string | undefined;
}

/** Makes the frozen result of a checked configuration. */
export function toConfig(checked: CheckedConfig, { directory, clientAuthorities, ...trust }: ConfigCompletion): Config {
  const { listeners, tls, upstreams, routing, sessions, limits, policyServer, redis } = checked;
  const { inventory, audit, admin, log } = checked;
  const absolute = (path: string): string => resolve(directory, path);
  return deepFreeze({
    listeners: listeners.map((listener, index) => toListener(listener, clientAuthorities.get(index))),
    tls: { certificates: tls.certificates.map(({ cert, key }) => ({ cert: absolute(cert), key: absolute(key) })) },
    upstreams: upstreams.map((upstream, index) => toUpstream(upstream, { index, ...trust })),
    routing: { separators: routing.separators, ...(routing.default === undefined ? {} : { default: routing.default }) },
    sessions: {
      maxTotal: sessions.maxTotal,
      maxPerAddress: sessions.maxPerAddress,
      maxReadyConnections: sessions.readyConnections,
      loginTimeoutMs: sessions.loginTimeout,
      idleTimeoutMs: sessions.idleTimeout,
      maxEventLoopDelayMs: sessions.maxEventLoopDelay,
      maxMemory: sessions.maxMemory,
      drainDelayMs: sessions.drainDelay,
      drainTimeoutMs: sessions.drainTimeout,
    },
    limits: toLimits(limits),
    ...(policyServer === undefined
      ? {}
      : { policyServer: toPolicyServer(policyServer, trust.policyServerAuthorities) }),
    ...(redis === undefined ? {} : { redis: toRedisConfig(redis, { ca: trust.redisAuthorities, absolute }) }),
    inventory: { retentionMs: inventory.retention, maxEntries: inventory.maxEntries },
    audit: toAudit(audit, absolute),
    admin: toAdmin(admin, { adminAuthorities: trust.adminAuthorities, absolute }),
    log: toLog(log, absolute),
  });
}

function toLog(
  { level, format, loginLines, loginLinesFile: file }: CheckedConfig['log'],
  absolute: (path: string) => string,
): Config['log'] {
  const lines = file === undefined ? {} : { file: absolute(file) };
  return { level, format, ...(loginLines === 'none' ? {} : { loginLines: lines }) };
}

function toPolicyServer(
  checked: NonNullable<CheckedConfig['policyServer']>,
  ca: string | undefined,
): NonNullable<Config['policyServer']> {
  const { url, apiHeader, hashNonce: nonce, hashMech: mech, hashTruncate, timeout, ca: _, ...rules } = checked;
  return {
    url,
    ...(apiHeader === undefined ? {} : { apiHeader }),
    ...(ca === undefined ? {} : { ca }),
    hash: { mech, nonce, truncateBits: hashTruncate },
    timeoutMs: timeout,
    ...rules,
  };
}

function toAdmin(
  { address, tokens, tls, hosts }: CheckedConfig['admin'],
  { adminAuthorities, absolute }: { adminAuthorities: string | undefined; absolute: (path: string) => string },
): Config['admin'] {
  const clientCa = adminAuthorities === undefined ? {} : { clientCa: adminAuthorities };
  return {
    ...address,
    tokens,
    ...(tls === undefined ? {} : { tls: { cert: absolute(tls.cert), key: absolute(tls.key), ...clientCa } }),
    ...(hosts === undefined ? {} : { hosts }),
  };
}

function toAudit({ hashKey, ...audit }: CheckedConfig['audit'], absolute: (path: string) => string): Config['audit'] {
  return { ...audit, file: absolute(audit.file), ...(hashKey === undefined ? {} : { hashKey }) };
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
  const { minPollInterval, singleSession, readyConnections, readAhead } = checked;
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
    ...(minPollInterval === undefined ? {} : { minPollIntervalMs: minPollInterval }),
    ...(singleSession === undefined ? {} : { isSingleSession: singleSession }),
    ...(readyConnections === undefined ? {} : { maxReadyConnections: readyConnections }),
    ...(readAhead === undefined ? {} : { readAhead }),
  };
}

function toLimits(checked: CheckedConfig['limits']): LoginLimits {
  const { perAddress, perNetwork, perAccount, perAddressAndAccount, accountsPerNetwork, passwordsPerAccount } = checked;
  const { hashKey, replyDelay } = checked;
  return {
    perAddress: toLimit(perAddress, perAddress.failures),
    perNetwork: toLimit(perNetwork, perNetwork.failures),
    perAccount: toLimit(perAccount, perAccount.failures),
    perAddressAndAccount: toLimit(perAddressAndAccount, perAddressAndAccount.failures),
    accountsPerNetwork: toLimit(accountsPerNetwork, accountsPerNetwork.accounts),
    passwordsPerAccount: toLimit(passwordsPerAccount, passwordsPerAccount.passwords),
    refusedPasswordsMs: checked.refusedPasswords,
    knownForMs: checked.knownFor,
    loginsPerAddress: checked.loginsPerAddress,
    sessionsPerAccount: checked.sessionsPerAccount,
    replyDelay: { firstMs: replyDelay.first, maxMs: replyDelay.max, sockets: replyDelay.sockets },
    ...(hashKey === undefined ? {} : { hashKey }),
    exempt: checked.exempt,
    onStoreFailure: checked.onStoreFailure,
  };
}

function toLimit(
  { window, block, maxBlock }: Pick<CheckedConfig['limits']['perAddress'], 'window' | 'block' | 'maxBlock'>,
  threshold: number,
): LoginLimit {
  return { threshold, windowMs: window, blockMs: block, maxBlockMs: maxBlock };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
