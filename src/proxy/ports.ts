import type { Socket } from 'node:net';
import type { ClientIdentity } from '../policy/client-certificate.ts';
import type { LimitName } from '../policy/login-limits.ts';
import type { ClientTlsPolicy } from '../policy/transport.ts';
import type { Upstream } from '../policy/upstream.ts';
import type { UpstreamFailure } from '../policy/upstream-failure.ts';
import type { StatusReply } from '../pop3/reply.ts';
import type { TlsFacts } from './events.ts';

/** A user name and a password as octet strings: one character (0–255) an octet, no CR, LF or NUL. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Who tries to log in to what, as the guard counts it. */
export interface LoginSubject {
  /** The client's address, IPv4 or IPv6 text. */
  readonly address: string;
  /** Lower case; `user@domain` where there is a domain. */
  readonly account: string;
}

/** What the guard says before the upstream is dialled. */
export type GuardVerdict =
  | { readonly kind: 'allowed' }
  | {
      readonly kind: 'blocked';
      readonly limit: LimitName;
      readonly retryAfterMs: number;
    }
  /** As many logins of this account are under way as may fail. */
  | { readonly kind: 'busy'; readonly limit: LimitName }
  /** The store is gone and `onStoreFailure` is `refuse`. */
  | { readonly kind: 'unavailable' };

/** Login limits. Neither call rejects: a store's trouble is the guard's own to handle. */
export interface Guard {
  /** Whether this login may be tried now. */
  admit(subject: LoginSubject): Promise<GuardVerdict>;
  /** Tells that an admitted login is over, however it ended, with the very subject that was admitted. Never throws. */
  release(subject: LoginSubject): void;
  /** Tells how it ended, with the very subject that was admitted. Only credentials that the upstream refused count as failures. */
  settle(subject: LoginSubject, outcome: 'accepted' | 'refused'): Promise<void>;
}

/** A logged-in connection: verified TLS, paused, at the start of the transaction state. Its errors have a listener already. */
export interface UpstreamSession {
  readonly socket: Socket;
  /** Octets that arrived behind the login's reply. */
  readonly received: Uint8Array;
}

/** An address and a TCP port. */
export interface ClientEndpoint {
  /** IPv4 or IPv6 text. */
  readonly address: string;
  readonly port: number;
}

/** What an upstream may be told of the client, where its configuration asks for it. */
export interface ClientInfo {
  readonly source: ClientEndpoint;
  /** Where the client connected to. */
  readonly destination: ClientEndpoint;
  /** Names the session in the upstream's log: visible ASCII. */
  readonly sessionId: string;
  /** The client's leg; absent without TLS. */
  readonly tls?: TlsFacts;
}

/** A verified, greeted connection, told before the credentials are sent. */
export interface UpstreamConnectionFacts {
  readonly address: string;
  readonly tls: TlsFacts;
  readonly durationMs: number;
}

/** How a login upstream ended. */
export type UpstreamLogin =
  | {
      readonly kind: 'accepted';
      readonly reply: StatusReply;
      readonly session: UpstreamSession;
    }
  | { readonly kind: 'refused'; readonly reply: StatusReply }
  | { readonly kind: 'failed'; readonly failure: UpstreamFailure };

/** One login to ask of an upstream. */
export interface UpstreamLoginRequest {
  readonly upstream: Upstream;
  readonly credentials: Credentials;
  /** Whom the login is for; absent: the upstream is told nothing. */
  readonly client?: ClientInfo;
  /** Aborts the attempt when the client is gone; the connection is then closed. */
  readonly signal: AbortSignal;
  readonly onConnected: (facts: UpstreamConnectionFacts) => void;
}

/** Dials, verifies and logs in. Never rejects; bounded in time. */
export type LogInUpstream = (request: UpstreamLoginRequest) => Promise<UpstreamLogin>;

/** How a handshake with a client ended. */
export type ClientHandshake =
  | {
      readonly kind: 'secured';
      readonly socket: Socket;
      readonly tls: TlsFacts;
      /** Who the client is, where it was asked and can be trusted. */
      readonly certificate?: ClientIdentity;
      /** Why the certificate that it sent counts for nothing. */
      readonly ignoredCertificate?: string;
    }
  | {
      readonly kind: 'failed';
      /** Whether the client did not even speak TLS. */
      readonly isPlaintext: boolean;
      readonly detail: string;
    };

/** Makes the server's side of a TLS handshake on a client's socket; how long it may take is the caller's to say. */
export type SecureClient = (socket: Socket, policy: ClientTlsPolicy) => Promise<ClientHandshake>;

/** For whom a balancer connects, as its PROXY header says. */
export interface ProxiedClient {
  /** Absent: for itself, or for nobody that has an IP address; the socket's own addresses stand. */
  readonly source?: ClientEndpoint;
  readonly destination?: ClientEndpoint;
  /** The balancer's name for the connection: printable. */
  readonly correlationId?: string;
  /** The client's leg to the balancer; absent without TLS. */
  readonly tls?: TlsFacts;
}

/** How reading a PROXY header ended. */
export type ProxyHeaderReading =
  | { readonly kind: 'header'; readonly client: ProxiedClient }
  /** Missing, malformed or late. */
  | { readonly kind: 'refused'; readonly detail: string }
  /** The peer went away without an octet, as probes do that only look whether the port is open. */
  | { readonly kind: 'gone' };

/** Reads the PROXY header that a socket begins with; octets behind it stay in the socket. Never rejects; bounded in time. */
export type ReadProxyHeader = (socket: Socket) => Promise<ProxyHeaderReading>;
