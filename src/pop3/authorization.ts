import { capabilityResponse, mechanismListResponse, type OfferedCapabilities } from './capabilities.ts';
import { type Command, isProxyHeader, parseCommand } from './command.ts';
import {
  decodeBase64,
  decodeInitialResponse,
  isSafeCredential,
  isSaslMechanism,
  loginChallenges,
  parsePlainMessage,
} from './sasl.ts';

/** Longest command line, its ending included; twice what RFC 2449 §4 asks for. */
const maxCommandOctets = 512;
/** Longest line of an AUTH exchange, its ending included (RFC 5034 §4). */
const maxAuthOctets = 12_288;
/** A client that sends three commands we cannot make sense of is no mail client. */
const maxBadCommands = 3;
/** No client needs this many lines to log in; one that probes slowly ends here rather than at its time-out. */
const maxLines = 100;
/** Wrong passwords in one session; typing a better one is the next session's business. */
const maxRefusedLogins = 3;

/** How a TLS client's first octets begin: a handshake record of version 3 (RFC 8446 §5.1). */
export const tlsHelloStart = '\x16\x03';

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
type Stage =
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
  readonly stage: Stage;
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

/** Begins a session with its greeting. */
export function greet(context: AuthorizationContext, isEncrypted: boolean): AuthorizationStep {
  const state = {
    context,
    isEncrypted,
    lines: 0,
    badCommands: 0,
    refusedLogins: 0,
    stage: { name: 'awaitingCommand' },
  } as const;
  return { state, effects: [ok('Postern ready')] };
}

/** Whether the next line is to be read now; while it is not, octets are kept as they come. */
export function isAwaitingLine(state: AuthorizationState): boolean {
  return state.stage.name.startsWith('awaiting');
}

/** How long the next line may be, its ending included. */
export function maxLineOctets(state: AuthorizationState, isAuthCommand: boolean): number {
  switch (state.stage.name) {
    case 'awaitingPlainMessage':
    case 'awaitingLoginUsername':
    case 'awaitingLoginPassword':
      return maxAuthOctets;
    default:
      return isAuthCommand ? maxAuthOctets : maxCommandOctets;
  }
}

/** The next state and its effects. Throws where an event cannot happen in a state: that is the caller's mistake. */
export function step(state: AuthorizationState, event: AuthorizationEvent): AuthorizationStep {
  switch (event.kind) {
    case 'line':
      return onLine({ ...state, lines: state.lines + 1 }, event);
    case 'lineTooLong':
      expect(isAwaitingLine(state), state, event);
      return close(state, 'line_too_long', err('That line is too long'));
    case 'tlsHello':
      expect(isAwaitingLine(state) && !state.isEncrypted, state, event);
      // A client in the middle of its handshake could make nothing of a reply.
      return close(state, 'tls_on_plaintext_port');
    case 'tlsEstablished':
      expect(state.stage.name === 'upgrading', state, event);
      // Nothing learnt in the clear is kept (RFC 2595 §4).
      return { state: { ...greet(state.context, true).state }, effects: [] };
    case 'loginAccepted':
      expect(state.stage.name === 'authenticating', state, event);
      return { state: { ...state, stage: { name: 'transaction' } }, effects: [ok(event.text)] };
    case 'loginRefused':
      expect(state.stage.name === 'authenticating', state, event);
      return onLoginRefused(state, event);
    case 'loginTimedOut':
      expect(state.stage.name !== 'transaction' && state.stage.name !== 'closed', state, event);
      return close(
        state,
        'login_timeout',
        ...(state.stage.name === 'upgrading' ? [] : [err('[SYS/TEMP] The login took too long')]),
      );
    default:
      return event satisfies never;
  }
}

function onLine(state: AuthorizationState, event: { text: string; isFollowed: boolean }): AuthorizationStep {
  expect(isAwaitingLine(state), state, { kind: 'line' });
  if (state.lines > maxLines) return close(state, 'bad_commands', err('Too many commands without a login'));
  switch (state.stage.name) {
    case 'awaitingPlainMessage':
      return onPlainMessage(state, event.text);
    case 'awaitingLoginUsername':
      return onLoginUsername(state, event.text);
    case 'awaitingLoginPassword':
      return onLoginPassword(state, { username: state.stage.username, text: event.text });
    default:
      if (isProxyHeader(event.text)) return close(state, 'proxy_header');
      return onCommand(state, { command: parseCommand(event.text), isFollowed: event.isFollowed });
  }
}

function onCommand(
  state: AuthorizationState,
  { command, isFollowed }: { command: Command; isFollowed: boolean },
): AuthorizationStep {
  switch (command.verb) {
    case 'CAPA':
      return reply(state, capabilityResponse(offered(state)));
    case 'STLS':
      return onStls(state, isFollowed);
    case 'QUIT':
      return close(state, 'quit', ok('Bye'));
    case 'USER':
      return onUser(state, command.name);
    case 'PASS':
      return onPass(state, command.password);
    case 'AUTH':
      return onAuth(state, command);
    case 'http':
      return close(state, 'http_client', err('This is a POP3 server for mail programs, not a web server'));
    case 'smtp':
      return close(state, 'smtp_client', err('This is a POP3 server: it delivers mail, and takes none'));
    case 'malformed':
      return bad(state, `Malformed command, expected: ${command.usage}`);
    case 'unknown':
      return bad(state, 'Unknown command, or not before the login');
    default:
      return command satisfies never;
  }
}

function onStls(state: AuthorizationState, isFollowed: boolean): AuthorizationStep {
  if (state.isEncrypted) return bad(state, 'TLS is active already');
  if (!state.context.offersStls) return bad(state, 'STLS is not offered here');
  // Whoever wrote these octets, they came in the clear and must not be taken for the client's words under TLS.
  if (isFollowed) return close(state, 'plaintext_after_stls');
  return { state: { ...state, stage: { name: 'upgrading' } }, effects: [ok('Begin TLS'), { kind: 'startTls' }] };
}

function onUser(state: AuthorizationState, username: string): AuthorizationStep {
  if (!isLoginPermitted(state)) return reply(idle(state), encryptionRequired(state));
  if (!isSafeCredential(username)) return bad(state, 'A user name cannot hold CR, LF or NUL');
  return { state: { ...state, stage: { name: 'awaitingPassword', username } }, effects: [ok('Send PASS')] };
}

function onPass(state: AuthorizationState, password: string): AuthorizationStep {
  if (state.stage.name !== 'awaitingPassword') return bad(state, 'Send USER first');
  return authenticate(state, { username: state.stage.username, password });
}

function onAuth(
  state: AuthorizationState,
  { mechanism, initialResponse }: { mechanism?: string; initialResponse?: string },
): AuthorizationStep {
  if (mechanism === undefined) return reply(idle(state), mechanismListResponse(offered(state)));
  if (!isSaslMechanism(mechanism))
    return reply(idle(state), '-ERR That mechanism is not offered, use PLAIN or LOGIN\r\n');
  if (!isLoginPermitted(state)) return reply(idle(state), encryptionRequired(state));
  switch (mechanism) {
    case 'PLAIN': {
      if (initialResponse !== undefined) return onPlainMessage(state, initialResponse, decodeInitialResponse);
      return challenge(state, { name: 'awaitingPlainMessage' }, '');
    }
    case 'LOGIN': {
      if (initialResponse !== undefined) return onLoginUsername(state, initialResponse, decodeInitialResponse);
      return challenge(state, { name: 'awaitingLoginUsername' }, loginChallenges.username);
    }
    default:
      return mechanism satisfies never;
  }
}

type Decode = (text: string) => string | undefined;

function onPlainMessage(state: AuthorizationState, text: string, decode: Decode = decodeBase64): AuthorizationStep {
  if (text === '*') return cancelled(state);
  const octets = decode(text);
  const message = octets === undefined ? undefined : parsePlainMessage(octets);
  if (message === undefined) return bad(state, 'Malformed AUTH response');
  const { authorizationIdentity, username, password } = message;
  if (authorizationIdentity !== '' && authorizationIdentity !== username) {
    return reply(idle(state), '-ERR [SYS/PERM] Logging in on behalf of another user is not possible here\r\n');
  }
  return authenticate(state, { username, password });
}

function onLoginUsername(state: AuthorizationState, text: string, decode: Decode = decodeBase64): AuthorizationStep {
  if (text === '*') return cancelled(state);
  const username = decode(text);
  if (username === undefined) return bad(state, 'Malformed AUTH response');
  if (!isSafeCredential(username)) return bad(state, 'A user name cannot be empty or hold CR, LF or NUL');
  return challenge(state, { name: 'awaitingLoginPassword', username }, loginChallenges.password);
}

function onLoginPassword(
  state: AuthorizationState,
  { username, text }: { username: string; text: string },
): AuthorizationStep {
  if (text === '*') return cancelled(state);
  const password = decodeBase64(text);
  return password === undefined ? bad(state, 'Malformed AUTH response') : authenticate(state, { username, password });
}

function authenticate(state: AuthorizationState, credentials: ClientCredentials): AuthorizationStep {
  if (!isSafeCredential(credentials.username) || !isSafeCredential(credentials.password)) {
    return bad(state, 'A user name or password cannot be empty or hold CR, LF or NUL');
  }
  return { state: { ...state, stage: { name: 'authenticating' } }, effects: [{ kind: 'logIn', credentials }] };
}

function onLoginRefused(
  state: AuthorizationState,
  event: { text: string; isCredentialRefusal: boolean },
): AuthorizationStep {
  const refusedLogins = state.refusedLogins + (event.isCredentialRefusal ? 1 : 0);
  const next = { ...idle(state), refusedLogins };
  if (refusedLogins >= maxRefusedLogins) return close(next, 'login_attempts', err(event.text));
  return { state: next, effects: [err(event.text)] };
}

function isLoginPermitted(state: AuthorizationState): boolean {
  return state.isEncrypted || state.context.isPlaintextLoginPermitted;
}

function offered(state: AuthorizationState): OfferedCapabilities {
  return {
    isStlsOffered: state.context.offersStls && !state.isEncrypted,
    isLoginPermitted: isLoginPermitted(state),
    isEncrypted: state.isEncrypted,
  };
}

function encryptionRequired(state: AuthorizationState): string {
  const advice = state.context.offersStls ? 'turn on STARTTLS in your mail program' : 'use the port with TLS';
  return `-ERR [SYS/PERM] Logging in from here needs encryption: ${advice}\r\n`;
}

function idle(state: AuthorizationState): AuthorizationState {
  return { ...state, stage: { name: 'awaitingCommand' } };
}

function cancelled(state: AuthorizationState): AuthorizationStep {
  return reply(idle(state), '-ERR Cancelled as you asked\r\n');
}

function bad(state: AuthorizationState, text: string): AuthorizationStep {
  const next = { ...idle(state), badCommands: state.badCommands + 1 };
  return next.badCommands >= maxBadCommands
    ? close(next, 'bad_commands', err(text))
    : { state: next, effects: [err(text)] };
}

function reply(state: AuthorizationState, lines: string): AuthorizationStep {
  return { state, effects: [{ kind: 'reply', lines }] };
}

function challenge(state: AuthorizationState, stage: Stage, text: string): AuthorizationStep {
  return { state: { ...state, stage }, effects: [{ kind: 'reply', lines: `+ ${text}\r\n` }] };
}

function close(
  state: AuthorizationState,
  reason: AuthorizationCloseReason,
  ...before: readonly AuthorizationEffect[]
): AuthorizationStep {
  return { state: { ...state, stage: { name: 'closed' } }, effects: [...before, { kind: 'close', reason }] };
}

function ok(text: string): AuthorizationEffect {
  return { kind: 'reply', lines: `+OK ${text}\r\n` };
}

function err(text: string): AuthorizationEffect {
  return { kind: 'reply', lines: `-ERR ${text}\r\n` };
}

function expect(isPossible: boolean, state: AuthorizationState, event: { readonly kind: string }): void {
  if (!isPossible) throw new Error(`Cannot handle ${event.kind} while ${state.stage.name}`);
}
