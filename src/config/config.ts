import type { CertificateAccounts } from '../policy/client-certificate.ts';
import type { LoginLimits } from '../policy/login-limits.ts';
import type { Networks } from '../policy/networks.ts';
import type { ClientTlsPolicy, TransportPolicy } from '../policy/transport.ts';
import type { Upstream } from '../policy/upstream.ts';
import type { MemorySize } from './memory-size.ts';

/** Where to listen: a literal address or a host name, and a port (0: any free one). */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** One listening address for mail clients. */
export interface ListenerConfig extends Endpoint, TransportPolicy, ClientTlsPolicy {
  readonly name: string;
  /** Which client certificates may use which accounts; absent: anybody may use any. */
  readonly certificateAccounts?: readonly CertificateAccounts[];
  /** Balancers: from here a PROXY header is required, from elsewhere it is an error. Absent: there are none. */
  readonly proxyProtocolFrom?: Networks;
  /** Whether a header that tells of TLS between client and balancer counts as encryption; absent: no. */
  readonly trustProxyTls?: boolean;
  /** All accounts of this listener go to this upstream or provider. */
  readonly upstream?: string;
}

/** A certificate chain and its key, as absolute paths of PEM files. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** A configured upstream and the domains it claims: names, or `*.example.com` for every name below. */
export interface UpstreamConfig extends Upstream {
  readonly domains: readonly string[];
}

/** How many sessions, and how long they may take. */
export interface SessionsConfig {
  readonly maxTotal: number;
  readonly maxPerAddress: number;
  /** How many connections to upstreams may be held ready, all together. */
  readonly maxReadyConnections: number;
  readonly loginTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** How late this process may be before nobody is let in; 0: as late as it comes. */
  readonly maxEventLoopDelayMs: number;
  /** How much memory it may use before nobody is let in. */
  readonly maxMemory: MemorySize;
  /** How long listeners stay open while /readyz says already that this Postern is leaving. */
  readonly drainDelayMs: number;
  readonly drainTimeoutMs: number;
}

/** What an admin token may do: look, or also change. */
export type AdminRole = 'viewer' | 'operator';

/** A bearer token of the admin API. */
export interface AdminToken {
  readonly name: string;
  readonly role: AdminRole;
  readonly token: string;
}

/** Where the admin interface is served: an address and a port, or a Unix socket. */
export type AdminAddress = Endpoint | { readonly path: string };

/** How the admin interface is served, and to whom. */
export type AdminConfig = AdminAddress & {
  readonly tokens: readonly AdminToken[];
  /** Absent: plain HTTP. `clientCa` is PEM text; with it, clients need a certificate of these authorities. */
  readonly tls?: CertificateFiles & { readonly clientCa?: string };
  /** Names it is asked by, beside addresses and names without a dot; `*.example.com` for all below. */
  readonly hosts?: readonly string[];
};

/** What a log line needs to be written. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** Where a syslog receiver listens; `unix` is a stream socket. */
export type SyslogReceiver =
  | { readonly protocol: 'udp' | 'tcp'; readonly host: string; readonly port: number }
  | { readonly protocol: 'unix'; readonly path: string };

/** Where a record of each login, session and change by an admin goes. */
export interface AuditConfig {
  readonly to: 'none' | 'stdout' | 'file' | 'syslog';
  /** An absolute path. */
  readonly file: string;
  readonly syslog: SyslogReceiver;
  readonly accounts: 'plain' | 'hashed';
  /** Secret that accounts are hashed with; absent: made at start. */
  readonly hashKey?: string;
}

/** What TLS to Redis is verified with. */
export interface RedisTlsConfig {
  /** PEM; absent: the system's authorities. */
  readonly ca?: string;
  /** Absent: the host that is dialled. */
  readonly serverName?: string;
  /** Shown to Redis. */
  readonly certificate?: CertificateFiles;
}

/** Which Redis: one of `url`, `sentinel` and `cluster`. */
export interface RedisConfig {
  /** May hold credentials. */
  readonly url?: string;
  readonly sentinel?: {
    readonly name: string;
    readonly nodes: readonly Endpoint[];
    readonly username?: string;
    readonly password?: string;
    /** There: TLS to the sentinels. */
    readonly tls?: RedisTlsConfig;
  };
  readonly cluster?: { readonly nodes: readonly Endpoint[] };
  readonly keyPrefix: string;
  readonly username?: string;
  readonly password?: string;
  /** There: TLS. */
  readonly tls?: RedisTlsConfig;
  /** How long a login waits for an answer. */
  readonly timeoutMs: number;
}

/** A server that is asked about logins and told of them, by Dovecot's auth policy protocol. */
export interface PolicyServerConfig {
  /** May hold credentials. */
  readonly url: string;
  /** `Name: value`, or a key for `X-API-Key`. Secret. */
  readonly apiHeader?: string;
  /** PEM; absent: the system's authorities. */
  readonly ca?: string;
  readonly hash: {
    readonly mech: 'sha256' | 'sha512' | 'sha1' | 'md5';
    /** Secret. */
    readonly nonce: string;
    readonly truncateBits: number;
  };
  readonly timeoutMs: number;
  readonly onFailure: 'allow' | 'reject';
  readonly checkBefore: boolean;
  readonly reportAfter: boolean;
}

/** A whole configuration, version 1: checked, complete and frozen. */
export interface Config {
  readonly listeners: readonly ListenerConfig[];
  /** Without certificates a self-signed one is made at start. */
  readonly tls: { readonly certificates: readonly CertificateFiles[] };
  readonly upstreams: readonly UpstreamConfig[];
  readonly routing: { readonly default?: string; readonly separators: string };
  readonly sessions: SessionsConfig;
  readonly limits: LoginLimits;
  readonly policyServer?: PolicyServerConfig;
  /** Absent: limits and the inventory are kept in memory. */
  readonly redis?: RedisConfig;
  /** Who logs in with which encryption is remembered so long, and for so many; a retention of 0 turns it off. */
  readonly inventory: { readonly retentionMs: number; readonly maxEntries: number };
  readonly audit: AuditConfig;
  readonly admin: AdminConfig;
  readonly log: {
    readonly level: LogLevel;
    readonly format: 'auto' | 'json' | 'pretty';
    /** There: Dovecot's line for each login, to a file (an absolute path) or among the log's lines. */
    readonly loginLines?: { readonly file?: string };
  };
}
