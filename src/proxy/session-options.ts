import type { Socket } from 'node:net';
import type { CertificateAccounts } from '../policy/client-certificate.ts';
import type { ClientTlsPolicy, TransportPolicy } from '../policy/transport.ts';
import type { ProxiedOrigin } from './client-leg.ts';
import type { SessionIdentity } from './events.ts';
import type { LoginPorts } from './login.ts';
import type { SecureClient } from './ports.ts';
import type { RelayMeter } from './relay-meter.ts';
import type { ReplyHold } from './reply-hold.ts';

/** What a session does and how long it may take; the same for all sessions of a listener. */
export interface SessionPolicy extends TransportPolicy, ClientTlsPolicy {
  /** Which client certificates may use which accounts; absent: anybody may use any. */
  readonly certificateAccounts?: readonly CertificateAccounts[];
  /** All accounts of this listener go there. */
  readonly upstream?: string;
  readonly loginTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/** What a session needs from outside. */
export interface SessionPorts extends LoginPorts {
  readonly secureClient: SecureClient;
  readonly meter: RelayMeter;
  /** The wall clock, ms since 1970 UTC. */
  readonly wallClockMs: () => number;
}

/** One client's connection. */
export interface SessionOptions {
  readonly identity: SessionIdentity;
  readonly socket: Socket;
  /** Absent: the client itself connected. */
  readonly proxied?: ProxiedOrigin;
  readonly policy: SessionPolicy;
  readonly ports: SessionPorts;
  /** Where replies to failed logins wait, with those of all other sessions. */
  readonly hold: ReplyHold;
  readonly onClosed: () => void;
}
