import { isIP, isIPv6 } from 'node:net';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import type { RedisOptions } from 'ioredis';
import { useSystemRoots } from '../system-roots.ts';

/** Where a server listens. */
export interface RedisEndpoint {
  readonly host: string;
  readonly port: number;
}

/** As whom to log in. */
export interface RedisCredentials {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** What TLS to Redis is verified with. There is no setting that skips it. */
export interface RedisTls {
  /** PEM; absent: the system's authorities. */
  readonly ca?: string | undefined;
  /** The name that certificates must carry; absent: the host that is dialled. */
  readonly serverName?: string | undefined;
  /** Shown to Redis, PEM. */
  readonly certificate?: { readonly cert: string; readonly key: string } | undefined;
}

/** Which Redis, and how to reach it: one of `url`, `sentinel` and `cluster`. */
export interface RedisServers extends RedisCredentials {
  /** `redis://` or `rediss://`, credentials and database included. */
  readonly url?: string | undefined;
  readonly sentinel?: SentinelServers | undefined;
  readonly cluster?: { readonly nodes: readonly RedisEndpoint[] } | undefined;
  /** There: TLS. A `rediss://` URL has it anyway. */
  readonly tls?: RedisTls | undefined;
}

/** The sentinels that know the primary. */
export interface SentinelServers extends RedisCredentials {
  /** What they call the primary. */
  readonly name: string;
  readonly nodes: readonly RedisEndpoint[];
  /** There: TLS to the sentinels themselves. */
  readonly tls?: RedisTls | undefined;
}

/** A URL, taken apart. */
export interface RedisLocation extends RedisEndpoint, RedisCredentials {
  readonly database: number;
  readonly isSecure: boolean;
}

/** ioredis's own options, without the one that would change how replies look. */
export type ClientOptions = Omit<RedisOptions, 'replyMapping'>;

/** One attempt to connect in the background, TLS included: no login waits for it. */
const connectTimeoutMs = 3_000;
/** A connection that leaves a command without any answer for so long is dead. */
const silenceTimeoutMs = 1_000;
/** What a server that hangs up is given to finish. */
const disconnectTimeoutMs = 100;

/** Takes a Redis URL apart. Throws without repeating it: it may hold a password. */
export function parseRedisUrl(url: string): RedisLocation {
  const parsed = URL.parse(url);
  if (parsed === null) throw new TypeError('Cannot use the Redis URL: it is not a URL');
  const { protocol, hostname, port, pathname, username, password } = parsed;
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? 6379 : Number(port),
    database: Number(pathname.slice(1)),
    isSecure: protocol === 'rediss:',
    ...(username === '' ? {} : { username: decode(username) }),
    ...(password === '' ? {} : { password: decode(password) }),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TypeError('Cannot use the Redis URL: its user name or password is not percent-encoded');
  }
}

/** What all connections to Redis have in common: commands fail at once where they cannot be sent, and are never repeated. */
export function commonOptions({ username, password }: RedisCredentials, tls: RedisTls | undefined): ClientOptions {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls: tlsOptions(tls) }),
    enableAutoPipelining: false,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    // What was sent when the connection broke fails with it.
    maxRetriesPerRequest: 0,
    // Both need commands that an ACL user has to be given; the trial write tells more.
    enableReadyCheck: false,
    disableClientInfo: true,
    connectTimeout: connectTimeoutMs,
    socketTimeout: silenceTimeoutMs,
    disconnectTimeout: disconnectTimeoutMs,
  };
}

function tlsOptions({ ca, serverName, certificate }: RedisTls): ConnectionOptions {
  if (ca === undefined) useSystemRoots();
  return {
    minVersion: 'TLSv1.2',
    // Said again: NODE_TLS_REJECT_UNAUTHORIZED would change the default.
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca }),
    // An address is no name to send (RFC 6066 §3), but the certificate must carry it all the same.
    ...(serverName === undefined || isIP(serverName) !== 0 ? {} : { servername: serverName }),
    checkServerIdentity: (host, peer) => checkServerIdentity(serverName ?? host, peer),
    ...(certificate === undefined ? {} : { cert: certificate.cert, key: certificate.key }),
  };
}

/** Spells where a server is. */
export function formatRedisEndpoint({ host, port }: RedisEndpoint): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}
