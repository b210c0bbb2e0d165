import { bad, close, err, idle, ok, reply } from './authorization-answers.ts';
import {
  authenticate,
  beginSaslExchange,
  onLoginPassword,
  onLoginUsername,
  onPlainMessage,
} from './authorization-sasl.ts';
import {
  type AuthorizationContext,
  type AuthorizationEvent,
  type AuthorizationState,
  type AuthorizationStep,
  isLoginPermitted,
} from './authorization-state.ts';
import { capabilityResponse, mechanismListResponse, type OfferedCapabilities } from './capabilities.ts';
import { type Command, isProxyHeader, parseCommand } from './command.ts';
import { isSafeCredential, isSaslMechanism } from './sasl.ts';

/** Longest command line, its ending included; twice what RFC 2449 §4 asks for. */
const maxCommandOctets = 512;
/** Longest line of an AUTH exchange, its ending included (RFC 5034 §4). */
const maxAuthOctets = 12_288;
/** No client needs this many lines to log in; one that probes slowly ends here rather than at its time-out. */
const maxLines = 100;
/** Wrong passwords in one session; typing a better one is the next session's business. */
const maxRefusedLogins = 3;

/** How a TLS client's first octets begin: a handshake record of version 3 (RFC 8446 §5.1). */
export const tlsHelloStart = '\x16\x03';

/** Begins a session with its greeting. */
export function greet(context: AuthorizationContext, isEncrypted: boolean): AuthorizationStep {
  return { state: initialState(context, isEncrypted), effects: [ok('Postern ready')] };
}

function initialState(context: AuthorizationContext, isEncrypted: boolean): AuthorizationState {
  return { context, isEncrypted, lines: 0, badCommands: 0, refusedLogins: 0, stage: { name: 'awaitingCommand' } };
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
      return { state: initialState(state.context, true), effects: [] };
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
  if (!isLoginPermitted(state)) return refuseInTheClear(state);
  if (!isSafeCredential(username)) return bad(state, 'A user name cannot hold CR, LF or NUL');
  return { state: { ...state, stage: { name: 'awaitingPassword', username } }, effects: [ok('Send PASS')] };
}

function onPass(state: AuthorizationState, password: string): AuthorizationStep {
  // A client that pipelines USER and PASS gets the same advice twice, not the blame for a command out of order.
  if (!isLoginPermitted(state)) return refuseInTheClear(state);
  if (state.stage.name !== 'awaitingPassword') return bad(state, 'Send USER first');
  return authenticate(state, { username: state.stage.username, password });
}

function onAuth(
  state: AuthorizationState,
  { mechanism, initialResponse }: { mechanism?: string; initialResponse?: string },
): AuthorizationStep {
  if (mechanism === undefined) return reply(idle(state), mechanismListResponse(offered(state)));
  if (!isLoginPermitted(state)) return refuseInTheClear(state);
  if (!isSaslMechanism(mechanism)) {
    return reply(idle(state), '-ERR That mechanism is not offered, use PLAIN or LOGIN\r\n');
  }
  return beginSaslExchange(state, { mechanism, ...(initialResponse === undefined ? {} : { initialResponse }) });
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

function offered(state: AuthorizationState): OfferedCapabilities {
  return {
    isStlsOffered: state.context.offersStls && !state.isEncrypted,
    isLoginPermitted: isLoginPermitted(state),
    isEncrypted: state.isEncrypted,
  };
}

function refuseInTheClear(state: AuthorizationState): AuthorizationStep {
  const advice = state.context.offersStls ? 'turn on STARTTLS in your mail program' : 'use the port with TLS';
  const text = `-ERR [SYS/PERM] Logging in from here needs encryption: ${advice}\r\n`;
  return reply({ ...idle(state), hasAskedInTheClear: true }, text);
}

function expect(isPossible: boolean, state: AuthorizationState, event: { readonly kind: string }): void {
  if (!isPossible) throw new Error(`Cannot handle ${event.kind} while ${state.stage.name}`);
}
