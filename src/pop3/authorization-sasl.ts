import { bad, challenge, idle, reply } from './authorization-answers.ts';
import type { AuthorizationState, AuthorizationStep, ClientCredentials } from './authorization-state.ts';
import {
  decodeBase64,
  decodeInitialResponse,
  isSafeCredential,
  loginChallenges,
  parsePlainMessage,
  type SaslMechanism,
} from './sasl.ts';

type Decode = (text: string) => string | undefined;

/** Begins an AUTH exchange, which an initial response makes shorter by one line (RFC 5034 §4). */
export function beginSaslExchange(
  state: AuthorizationState,
  { mechanism, initialResponse }: { readonly mechanism: SaslMechanism; readonly initialResponse?: string },
): AuthorizationStep {
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

/** The message of PLAIN (RFC 4616 §2). */
export function onPlainMessage(
  state: AuthorizationState,
  text: string,
  decode: Decode = decodeBase64,
): AuthorizationStep {
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

/** The first answer of LOGIN. */
export function onLoginUsername(
  state: AuthorizationState,
  text: string,
  decode: Decode = decodeBase64,
): AuthorizationStep {
  if (text === '*') return cancelled(state);
  const username = decode(text);
  if (username === undefined) return bad(state, 'Malformed AUTH response');
  if (!isSafeCredential(username)) return bad(state, 'A user name cannot be empty or hold CR, LF or NUL');
  return challenge(state, { name: 'awaitingLoginPassword', username }, loginChallenges.password);
}

/** The second answer of LOGIN. */
export function onLoginPassword(
  state: AuthorizationState,
  { username, text }: { username: string; text: string },
): AuthorizationStep {
  if (text === '*') return cancelled(state);
  const password = decodeBase64(text);
  return password === undefined ? bad(state, 'Malformed AUTH response') : authenticate(state, { username, password });
}

/** Credentials are complete: checks that they can stand in a POP3 line, and hands them on. */
export function authenticate(state: AuthorizationState, credentials: ClientCredentials): AuthorizationStep {
  if (!isSafeCredential(credentials.username) || !isSafeCredential(credentials.password)) {
    return bad(state, 'A user name or password cannot be empty or hold CR, LF or NUL');
  }
  return { state: { ...state, stage: { name: 'authenticating' } }, effects: [{ kind: 'logIn', credentials }] };
}

function cancelled(state: AuthorizationState): AuthorizationStep {
  return reply(idle(state), '-ERR Cancelled as you asked\r\n');
}
