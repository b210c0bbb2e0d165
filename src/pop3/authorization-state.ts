/** What does not change during a session. */
export interface AuthorizationContext {
  /** Whether the listener upgrades to TLS by STLS. */
  readonly offersStls: boolean;
  /** Whether this client may log in without TLS. */
  readonly isPlaintextLoginPermitted: boolean;
}

/** A user name and password, checked to be safe in a POP3 line, as octet strings. */
export interface ClientCredentials {
  readonly username: string;
  readonly password: string;
}

/** Where the dialogue stands. */
export type AuthorizationStage =
  | { readonly name: 'awaitingCommand' }
  | { readonly name: 'awaitingPassword'; readonly username: string }
  | { readonly name: 'awaitingPlainMessage' }
  | { readonly name: 'awaitingLoginUsername' }
  | { readonly name: 'awaitingLoginPassword'; readonly username: string }
  | { readonly name: 'upgrading' }
  | { readonly name: 'authenticating' }
  /** Octets go through as they are, those that already arrived first. */
  | { readonly name: 'transaction' }
  | { readonly name: 'closed' };

/** The authorization state of one session (RFC 1939 §4), from greeting to login or close. */
export interface AuthorizationState {
  readonly context: AuthorizationContext;
  readonly isEncrypted: boolean;
  readonly lines: number;
  readonly badCommands: number;
  readonly refusedLogins: number;
  /** It asked to log in without TLS, where that is not permitted; what it asked before TLS is forgotten with the rest. */
  readonly hasAskedInTheClear?: true;
  readonly stage: AuthorizationStage;
}

/** Something that happened. */
export type AuthorizationEvent =
  /** A line without its ending; `isFollowed`: more octets have already arrived behind it. */
  | { readonly kind: 'line'; readonly text: string; readonly isFollowed: boolean }
  | { readonly kind: 'lineTooLong' }
  /** What stands where a command is expected begins with `tlsHelloStart`. */
  | { readonly kind: 'tlsHello' }
  | { readonly kind: 'tlsEstablished' }
  /** `text` stands behind the status indicator, response code included. */
  | { readonly kind: 'loginAccepted'; readonly text: string }
  | { readonly kind: 'loginRefused'; readonly text: string; readonly isCredentialRefusal: boolean }
  | { readonly kind: 'loginTimedOut' };

/** Why this machine closes a session. */
export type AuthorizationCloseReason =
  | 'quit'
  | 'bad_commands'
  | 'line_too_long'
  | 'plaintext_after_stls'
  | 'proxy_header'
  | 'http_client'
  | 'smtp_client'
  | 'tls_on_plaintext_port'
  | 'login_attempts'
  | 'login_timeout';

/** What whoever holds the socket has to do, in order. */
export type AuthorizationEffect =
  /** Whole lines with their endings. */
  | { readonly kind: 'reply'; readonly lines: string }
  | { readonly kind: 'startTls' }
  | { readonly kind: 'logIn'; readonly credentials: ClientCredentials }
  | { readonly kind: 'close'; readonly reason: AuthorizationCloseReason };

/** A new state and what follows from it. */
export interface AuthorizationStep {
  readonly state: AuthorizationState;
  readonly effects: readonly AuthorizationEffect[];
}

/** Whether this client may log in as things stand. */
export function isLoginPermitted(state: AuthorizationState): boolean {
  return state.isEncrypted || state.context.isPlaintextLoginPermitted;
}
