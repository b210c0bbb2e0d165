import type { AdminAddress, AuditConfig, Config, Endpoint, RedisConfig } from '../config/config.ts';
import { formatEndpoint } from '../config/endpoint.ts';
import type { Path } from '../config/problems.ts';
import { parseRedisUrl } from '../net/redis/redis-options.ts';
import { Router } from '../policy/routing.ts';
import type { Upstream } from '../policy/upstream.ts';
import { catalog } from '../providers/catalog.ts';

/** What a Postern on Deno may do; everything else is denied. */
export interface DenoPermissions {
  /** `host:port`, `host` for any of its ports, `unix:/path`. */
  readonly net: readonly string[];
  /** Absolute paths. */
  readonly read: readonly string[];
  readonly write: readonly string[];
  /** Names of variables. */
  readonly env: readonly string[];
  readonly sys: readonly string[];
}

/** What the text of a configuration made Postern look at. */
export interface ConfigurationUse {
  /** Absolute paths of files. */
  readonly files: readonly string[];
  readonly variables: readonly string[];
}

/** Sums up what a configuration needs at run time, and nothing else. */
export function permissionsFor(config: Config, used: ConfigurationUse): DenoPermissions {
  const { listeners, tls, redis, audit, admin, log, policyServer } = config;
  const sockets = [...socketPath(admin), ...(audit.to === 'syslog' ? socketPath(audit.syslog) : [])];
  const pairs = [...tls.certificates, redis?.tls?.certificate, redis?.sentinel?.tls?.certificate, admin.tls];
  const logFiles = [audit.to === 'file' ? audit.file : undefined, log.loginLines?.file];
  return {
    net: unique([
      ...listeners.flatMap(listenedOn),
      ...('path' in admin ? [] : listenedOn(admin)),
      ...reachableUpstreams(config).map(withPort),
      ...(redis === undefined ? [] : redisNodes(redis).map(withPort)),
      ...(policyServer === undefined ? [] : [hostOf(policyServer.url)]),
      ...(audit.to === 'syslog' ? syslogAddresses(audit.syslog) : []),
      ...sockets.map((path) => `unix:${path}`),
    ]),
    read: unique([
      ...used.files,
      ...pairs.flatMap((pair) => (pair === undefined ? [] : [pair.cert, pair.key])),
      ...sockets,
    ]),
    write: unique([...logFiles.flatMap((file) => file ?? []), ...sockets]),
    env: unique(used.variables),
    sys: ['hostname'],
  };
}

/** What the demo needs: this machine, on whatever ports are free. */
export const demoPermissions: DenoPermissions = { net: ['127.0.0.1'], read: [], write: [], env: [], sys: ['hostname'] };

/** The permissions as arguments of `deno run`. */
export function denoFlags({ net, read, write, env, sys }: DenoPermissions): readonly string[] {
  const flag = (name: string, values: readonly string[]): readonly string[] =>
    // A comma separates values; two of them are one that stands in a value.
    values.length === 0 ? [] : [`--allow-${name}=${values.map((value) => value.replaceAll(',', ',,')).join(',')}`];
  return [
    '--no-prompt',
    // Packages ask for variables of their own; to them there are none.
    '--ignore-env',
    ...flag('env', env),
    ...flag('sys', sys),
    ...flag('net', net),
    ...flag('read', read),
    ...flag('write', write),
  ];
}

/** Where to find addresses that are known at run time alone; such permissions must be added by hand. */
export function unknownServers({ redis, listeners, admin }: Config): readonly string[] {
  const names = [...listeners, ...('path' in admin ? [] : [admin])].filter(
    ({ host }) => isName(host) && host !== localName,
  );
  return [
    ...names.map((endpoint) => `the address that ${withPort(endpoint)} stands for, with its port`),
    ...(redis?.sentinel === undefined ? [] : ["the primaries that the sentinels name, with Redis's port"]),
    ...(redis?.cluster === undefined ? [] : ['the nodes of the Redis Cluster that are not in the configuration']),
  ];
}

/** Addresses that a place of the configuration makes Postern listen on or send from. */
export interface BoundAddresses {
  readonly path: Path;
  readonly addresses: readonly string[];
}

/** What Deno must permit before it is tried: where it does not, it reports no error, but ends the process. */
export function boundAddresses({ listeners, audit }: Pick<Config, 'listeners' | 'audit'>): readonly BoundAddresses[] {
  return [
    ...listeners.map((listener, index) => ({ path: ['listeners', index, 'address'], addresses: listenedOn(listener) })),
    ...(audit.to === 'syslog' ? [{ path: ['audit', 'syslog'], addresses: syslogAddresses(audit.syslog) }] : []),
  ];
}

/** All upstreams of the configuration, and the providers that a login can end at. */
function reachableUpstreams({ listeners, upstreams, routing }: Config): readonly Upstream[] {
  const router = new Router({ ...routing, upstreams, providers: catalog });
  const names = [...listeners.map(({ upstream }) => upstream), routing.default].flatMap((name) => name ?? []);
  const isByDomain = listeners.some(({ upstream }) => upstream === undefined);
  const domains = isByDomain ? catalog.flatMap((provider) => provider.domains) : [];
  return [
    ...upstreams,
    ...names.flatMap((name) => router.named(name) ?? []),
    ...domains.flatMap((domain) => router.find(domain.replace(/^\*/, 'any')) ?? []),
  ];
}

function redisNodes({ url, sentinel, cluster }: RedisConfig): readonly Endpoint[] {
  return [...(url === undefined ? [] : [parseRedisUrl(url)]), ...(sentinel?.nodes ?? []), ...(cluster?.nodes ?? [])];
}

function hostOf(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port === '' ? (protocol === 'https:' ? 443 : 80) : port}`;
}

function syslogAddresses(receiver: AuditConfig['syslog']): readonly string[] {
  if (receiver.protocol === 'unix') return [];
  // A datagram leaves from a socket that is bound to any address first.
  return [withPort(receiver), ...(receiver.protocol === 'udp' ? ['0.0.0.0:0', '[::]:0'] : [])];
}

function socketPath(address: AdminAddress | AuditConfig['syslog']): readonly string[] {
  return 'path' in address ? [address.path] : [];
}

const localName = 'localhost';

function isName(host: string): boolean {
  return !host.includes(':') && !/^[\d.]+$/.test(host);
}

/** Deno asks for the address that a name stands for; of the names, one alone is known beforehand. */
function listenedOn({ host, port }: Endpoint): readonly string[] {
  const hosts = host === localName ? [host, '127.0.0.1', '::1'] : [host];
  return hosts.map((each) => withPort({ host: each, port }));
}

/** Port 0 is any. */
function withPort({ host, port }: Endpoint): string {
  return port === 0 ? formatEndpoint({ host, port }).replace(/:0$/, '') : formatEndpoint({ host, port });
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)];
}
