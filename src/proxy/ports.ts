import type { Socket } from 'node:net';
import type { AddressRefusal } from '../policy/blocked-address.ts';
import type { ClientIdentity } from '../policy/client-certificate.ts';
import type { GuardReason } from '../policy/guard/admission.ts';
import type { LimitName } from '../policy/login-limits.ts';
import type { ClientTlsPolicy, Transport } from '../policy/transport.ts';
import type { Upstream } from '../policy/upstream.ts';
import type { UpstreamFailure } from '../policy/upstream-failure.ts';
import type { ReadAheadStart } from '../pop3/read-ahead-terms.ts';
import type { StatusReply } from '../pop3/reply.ts';
import type { TlsFacts } from './events.ts';

/** A user name and a password as octet strings: one character (0–255) an octet, no CR, LF or NUL. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** One login, from the moment its upstream is known; the guard keeps its books by this very object. */
export interface LoginAttempt {
  readonly sessionId: string;
  readonly listener: string;
  /** The client's address, IPv4 or IPv6 text. */
  readonly address: string;
  /** What limits count it by: the same for every spelling that ends at the same maildrop. */
  readonly account: string;
  /** What people know it by, where that is another name. */
  readonly shownAccount?: string;
  /** What the client sent, octet strings: to be hashed, and for a policy server to be asked about. Kept nowhere. */
  readonly username: string;
  readonly password: string;
  readonly transport: Transport;
  /** Absent without TLS. */
  readonly clientTls?: TlsFacts;
  readonly upstream: AttemptedUpstream;
}

/** What a guard goes by of the upstream that a login is for. */
export type AttemptedUpstream = Pick<Upstream, 'name' | 'username' | 'minPollIntervalMs' | 'isSingleSession'>;

/** What the guard says before the upstream is dialled. */
export type GuardVerdict =
  | {
      readonly kind: 'allowed';
      /** How long to wait before the upstream is dialled, where a policy server asks for that. */
      readonly delayMs?: number;
    }
  | {
      readonly kind: 'refused';
      readonly reason: GuardReason;
      /** Absent where no login limit refuses. */
      readonly limit?: LimitName;
      /** When it is worth another try; absent where nobody can tell. */
      readonly retryAfterMs?: number;
      /** Stands behind `-ERR`, with its response code. */
      readonly reply: string;
      /** How long to hold the reply back. */
      readonly delayMs: number;
    };

/** One session that fetches mail. The guard keeps its books by `sessionId`. */
export interface LiveSession {
  /** As in `LoginAttempt`. */
  readonly account: string;
  readonly sessionId: string;
}

/** Login limits. No call rejects or throws: a store's trouble is the guard's own to handle. */
export interface Guard {
  /** Whether connections from there are refused before anything is read, by what this process knows; undefined: let in. */
  refusesAddress(address: string): AddressRefusal | undefined;
  /** Whether this login may be tried now. */
  admit(attempt: LoginAttempt): Promise<GuardVerdict>;
  /** Tells that an admitted login is over, however it ended. */
  release(attempt: LoginAttempt): void;
  /**
   * Tells how an admitted login ended. Only credentials that the upstream refused count as failures. Resolves to how long
   * to hold the reply back: 0 for accepted ones.
   */
  settle(attempt: LoginAttempt, outcome: 'accepted' | 'refused'): Promise<{ readonly delayMs: number }>;
  /** Tells that an account's session begins to fetch mail, and that it ended. */
  openSession(session: LiveSession): void;
  closeSession(session: LiveSession): void;
}

/** A logged-in connection: verified TLS, paused, at the start of the transaction state. Its errors have a listener already. */
export interface UpstreamSession {
  readonly socket: Socket;
  /** Octets that arrived behind the login's reply. */
  readonly received: Uint8Array;
  /** Has octets handed over as they are read, in the place of `data`, which brings those that had to wait; absent: `data` brings all. */
  readonly readDirectly?: (take: TakeOctets) => void;
  /** How to go on with the read-ahead that was asked for; absent where it was not. */
  readonly readAhead?: ReadAheadStart;
}

/** Takes octets out of memory that is used again as soon as this returns; they come while the socket is paused, too. */
export type TakeOctets = (octets: Uint8Array) => void;

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
  /** How much of it the TLS handshake took. */
  readonly handshakeMs?: number;
  /** How long the connection had been held ready; absent: it was made for this login. */
  readonly readyForMs?: number;
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
  /** Whether what clients ask first is asked for right behind the credentials, where the server takes several commands at once. */
  readonly readAhead?: boolean;
  /** Aborts when the client is gone: the connection is then closed, unless the password was sent and an answer is due. */
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
      /** How long it took, waiting for the client included. */
      readonly durationMs?: number;
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
