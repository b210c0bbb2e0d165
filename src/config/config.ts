import type { CertificateAccounts } from '../policy/client-certificate.ts';
import type { LoginLimits } from '../policy/login-limits.ts';
import type { Networks } from '../policy/networks.ts';
import type { ClientTlsPolicy, TransportPolicy } from '../policy/transport.ts';
import type { Upstream } from '../policy/upstream.ts';

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
  readonly loginTimeoutMs: number;
  readonly idleTimeoutMs: number;
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

/** What a log line needs to be written. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** A whole configuration, version 1: checked, complete and frozen. */
export interface Config {
  readonly listeners: readonly ListenerConfig[];
  /** Without certificates a self-signed one is made at start. */
  readonly tls: { readonly certificates: readonly CertificateFiles[] };
  readonly upstreams: readonly UpstreamConfig[];
  readonly routing: { readonly default?: string; readonly separators: string };
  readonly sessions: SessionsConfig;
  readonly limits: LoginLimits;
  /** Absent: limits and the inventory are kept in memory. */
  readonly redis?: { readonly url: string; readonly keyPrefix: string };
  /** Who logs in with which encryption is remembered so long, and for so many; a retention of 0 turns it off. */
  readonly inventory: { readonly retentionMs: number; readonly maxEntries: number };
  readonly admin: Endpoint & { readonly tokens: readonly AdminToken[] };
  readonly log: {
    readonly level: LogLevel;
    readonly format: 'auto' | 'json' | 'pretty';
  };
}
