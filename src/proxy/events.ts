import type { ClientIdentity } from '../policy/client-certificate.ts';
import type { GuardReason } from '../policy/guard/admission.ts';
import type { LimitName } from '../policy/login-limits.ts';
import type { Transport } from '../policy/transport.ts';
import type { UpstreamFailure } from '../policy/upstream-failure.ts';
import type { CommandCounts } from '../pop3/counted-command.ts';

/** What TLS a leg got, as the runtime reports it. */
export interface TlsFacts {
  /** `TLSv1.2`, `TLSv1.3`; `unknown` where the runtime does not tell. */
  readonly version: string;
  readonly cipher: string;
  /** The key-exchange group, such as `X25519MLKEM768`; absent where the runtime does not tell: Node on the server's side, Deno. */
  readonly keyExchange?: string;
  readonly isResumed: boolean;
}

/** How a login ended; closed set, metric label. */
export const loginResults = [
  'accepted',
  'refused', // the upstream refused the credentials
  'busy', // the upstream said: try later ([IN-USE], [LOGIN-DELAY], [SYS/TEMP])
  'denied', // the upstream, or certificateAccounts, refuses for good ([SYS/PERM])
  'untrusted', // the upstream could not be verified
  'unreachable', // the upstream could not be reached or broke off
  'limited', // the guard: a limit, a block, a refusal it remembers, too early, or no store to ask
  'unrouted', // no upstream serves the account
  'cancelled', // the client went away meanwhile
] as const;
export type LoginResult = (typeof loginResults)[number];

/** Why a connection was not let in; closed set, metric label. */
export const refusalReasons = [
  'max_total',
  'max_per_address',
  'draining',
  'overloaded', // this process is late, or its memory used up
  'proxy_header', // missing or malformed
  'blocked', // too many failed logins from there, or by an operator
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

/** Why a session ended; closed set, log field and metric label. */
export const closeReasons = [
  'quit', // QUIT in the authorization state
  'client_closed',
  'upstream_closed',
  'client_reset',
  'upstream_reset',
  'login_timeout',
  'idle_timeout',
  'bad_commands',
  'line_too_long',
  'plaintext_after_stls', // octets behind STLS before the handshake
  'proxy_header', // from a peer that is no listed balancer
  'tls_failed',
  'http_client',
  'smtp_client',
  'tls_on_plaintext_port', // a TLS hello where a command is expected
  'plaintext_on_tls_port',
  'login_attempts', // too many refused logins in one session
  'ended_by_operator',
  'drained',
  'internal_error',
] as const;
export type CloseReason = (typeof closeReasons)[number];

/** Names one session in every event of its life. */
export interface SessionIdentity {
  readonly sessionId: string;
  readonly listener: string;
  /** The client's address, IPv4 or IPv6 text. */
  readonly address: string;
}

/** Octets relayed in one session so far; the relay adds to it. */
export interface Traffic {
  toUpstream: number;
  toClient: number;
}

interface ConnectionRefused {
  readonly kind: 'connectionRefused';
  readonly listener: string;
  readonly address: string;
  readonly reason: RefusalReason;
  /** What exactly, where the reason alone does not tell. */
  readonly detail?: string;
}

interface SessionOpened extends SessionIdentity {
  readonly kind: 'sessionOpened';
  readonly port: number;
  readonly transport: Transport;
  /** The balancer's address, where its PROXY header named the client. */
  readonly proxySource?: string;
  /** The balancer's name for the connection: printable. */
  readonly correlationId?: string;
}

interface ClientTlsEstablished extends SessionIdentity {
  readonly kind: 'clientTlsEstablished';
  readonly transport: Transport;
  readonly tls: TlsFacts;
  /** Who the client is, where it showed a certificate that can be trusted. */
  readonly certificate?: ClientIdentity;
  /** Whose certificate counts for nothing, and why. */
  readonly ignoredCertificate?: string;
  /** How long the handshake took; absent where a balancer ended TLS. */
  readonly durationMs?: number;
}

interface ClientTlsFailed extends SessionIdentity {
  readonly kind: 'clientTlsFailed';
  readonly transport: Transport;
  readonly detail: string;
}

interface UpstreamConnected extends SessionIdentity {
  readonly kind: 'upstreamConnected';
  readonly upstream: string;
  /** The address that answered. */
  readonly upstreamAddress: string;
  readonly tls: TlsFacts;
  /** From the first packet to the verified, greeted connection; 0 for one that was held ready. */
  readonly durationMs: number;
  /** How much of it the TLS handshake took. */
  readonly handshakeMs?: number;
  /** How long it had been held ready; absent: it was made for this login. */
  readonly readyForMs?: number;
}

/** A connection that the next login finds ready. */
interface ReadyConnectionMade {
  readonly kind: 'readyConnectionMade';
  readonly upstream: string;
  /** The address that answered. */
  readonly upstreamAddress: string;
  readonly tls: TlsFacts;
  /** As for a login's own. */
  readonly durationMs: number;
  readonly handshakeMs: number;
}

/** None was made; a login will see for itself. */
interface ReadyConnectionFailed {
  readonly kind: 'readyConnectionFailed';
  readonly upstream: string;
  readonly failure: UpstreamFailure;
}

/** Why the guard refused a login. */
export interface GuardRefusal {
  readonly reason: GuardReason;
  /** Absent where no login limit refuses. */
  readonly limit?: LimitName;
  /** When it is worth another try; absent where nobody can tell. */
  readonly retryAfterMs?: number;
}

/** How long a login waited for the guard. */
export interface GuardTime {
  readonly admitMs: number;
  /** Absent where there was nothing to settle. */
  readonly settleMs?: number;
}

interface LoginFinished extends SessionIdentity {
  readonly kind: 'loginFinished';
  readonly transport: Transport;
  /** What the client's leg got; absent without TLS. */
  readonly clientTls?: TlsFacts;
  /** Who the client is by its certificate. */
  readonly clientCertificate?: ClientIdentity;
  /** The account as it is counted and logged: lower case, `user@domain` where there is a domain. */
  readonly account: string;
  /** Absent where no upstream serves the account. */
  readonly upstream?: string;
  readonly result: LoginResult;
  /** From the complete credentials to the outcome; a reply that is held back is not waited for. */
  readonly durationMs: number;
  /** The reply the client got, without its status indicator. */
  readonly reply: string;
  readonly failure?: UpstreamFailure;
  /** Postern's own rule that denied it, before the upstream was asked. */
  readonly deniedBy?: 'certificateAccounts';
  /** There where the guard refused it. */
  readonly guard?: GuardRefusal;
  /** Absent where the guard was not asked. */
  readonly guardMs?: GuardTime;
}

interface ClientInfoNotTaken {
  readonly kind: 'clientInfoNotTaken';
  readonly upstream: string;
  /** What the upstream said, or did not say. */
  readonly detail: string;
}

interface RelayStarted extends SessionIdentity {
  readonly kind: 'relayStarted';
  readonly account: string;
  readonly upstream: string;
  readonly traffic: Readonly<Traffic>;
}

interface SessionClosed extends SessionIdentity {
  readonly kind: 'sessionClosed';
  readonly reason: CloseReason;
  readonly durationMs: number;
  readonly traffic: Readonly<Traffic>;
  /** What the client sent while it was relayed; absent where it never was. */
  readonly commands?: Readonly<CommandCounts>;
  /** It asked to log in without TLS, which is not permitted there, and never turned to TLS. */
  readonly needsEncryption?: true;
  /** The error behind an `internal_error`. */
  readonly cause?: unknown;
}

interface LoginBlocked {
  readonly kind: 'loginBlocked';
  readonly limit: LimitName;
  /** What is blocked: an address, an account, or both. */
  readonly subject: string;
  readonly durationMs: number;
}

interface LoginLimited {
  readonly kind: 'loginLimited';
  readonly limit: LimitName;
  readonly subject: string;
  readonly retryAfterMs: number;
}

/** An operator's own entry. */
interface BlockAdded {
  readonly kind: 'blockAdded';
  readonly effect: 'block' | 'allow';
  /** A network or an account. */
  readonly subject: string;
  /** In the operator's words. */
  readonly reason: string;
  /** Absent: it has no end. */
  readonly untilMs?: number;
  /** The name of the admin token that asked for it. */
  readonly by: string;
}

interface BlockLifted {
  readonly kind: 'blockLifted';
  /** Absent for an operator's own entry. */
  readonly limit?: LimitName;
  readonly subject: string;
  /** The name of the admin token that asked for it. */
  readonly by: string;
}

interface StoreChanged {
  readonly kind: 'storeChanged';
  readonly store: 'redis';
  readonly isUp: boolean;
  /** What the store or its connection said; never holds its password. */
  readonly detail: string;
}

interface CertificateReloaded {
  readonly kind: 'certificateReloaded';
  /** The configured file. */
  readonly name: string;
  readonly expiresAtMs: number;
}

/** Its files changed to something that cannot be used: the certificate from before stays. */
interface CertificateRejected {
  readonly kind: 'certificateRejected';
  readonly name: string;
  readonly detail: string;
}

interface CertificateExpiring {
  readonly kind: 'certificateExpiring';
  readonly name: string;
  readonly expiresAtMs: number;
  /** 0: it has expired. */
  readonly daysLeft: number;
}

interface PlaintextExceptionEnding {
  readonly kind: 'plaintextExceptionEnding';
  readonly listener: string;
  readonly endsAtMs: number;
  /** 0: it is over. */
  readonly daysLeft: number;
}

interface ConfigurationReloaded {
  readonly kind: 'configurationReloaded';
  /** The name of an admin token, or a signal. */
  readonly by: string;
  /** Sections and names, never a value. */
  readonly changes: readonly string[];
  /** What differs and waits for a restart. */
  readonly needsRestart: readonly string[];
}

/** It is wrong: everything stays as it was. */
interface ConfigurationRejected {
  readonly kind: 'configurationRejected';
  readonly by: string;
  /** As `postern check` prints them; no secret in them. */
  readonly problems: readonly string[];
}

/** Everything that happens at the gate, as facts. Telemetry alone turns them into log lines, counters and live views. */
export type GateEvent =
  | ConnectionRefused
  | SessionOpened
  | ClientTlsEstablished
  | ClientTlsFailed
  | UpstreamConnected
  | ReadyConnectionMade
  | ReadyConnectionFailed
  | ClientInfoNotTaken
  | LoginFinished
  | RelayStarted
  | SessionClosed
  | LoginBlocked
  | LoginLimited
  | BlockAdded
  | BlockLifted
  | StoreChanged
  | CertificateReloaded
  | CertificateRejected
  | CertificateExpiring
  | PlaintextExceptionEnding
  | ConfigurationReloaded
  | ConfigurationRejected;

/** The one event function. It never throws. */
export type Report = (event: GateEvent) => void;
