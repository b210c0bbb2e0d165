import { parseCapabilities, type UpstreamCapabilities } from './capabilities.ts';
import { type ReadAheadStart, readAheadLines } from './read-ahead-terms.ts';
import { parseStatusReply, type StatusReply } from './reply.ts';
import { encodePlainMessage } from './sasl.ts';

/** Longest line of an upstream that is read; eight times what RFC 2449 §4 permits. */
export const maxUpstreamLineOctets = 4096;
/** Lines of a CAPA response; real servers send a dozen. */
const maxCapabilityLines = 100;
/** Longest command, its ending included (RFC 2449 §4); a response that does not fit is sent as a line of its own (RFC 5034 §4). */
const maxCommandOctets = 255;
const crlf = '\r\n';

/** What is known before the dialogue begins. */
export interface UpstreamDialogue {
  readonly tls: 'implicit' | 'starttls';
  /** Octet strings without CR, LF or NUL; absent: find out what the server offers and stop there. */
  readonly credentials?: { readonly username: string; readonly password: string };
  /** Learnt in an earlier session, under verified TLS; saves asking again. */
  readonly knownCapabilities?: UpstreamCapabilities;
  /** Arguments of XCLIENT, sent ahead of the credentials where the server offers it. */
  readonly xclient?: string;
  /** Whether to send what clients ask first right behind the credentials, where the server permits pipelining. */
  readonly readAhead?: boolean;
}

type Stage =
  | { readonly name: 'awaitingGreeting' }
  | { readonly name: 'awaitingCapabilities'; readonly lines?: readonly string[] }
  | { readonly name: 'awaitingStlsReply' }
  | { readonly name: 'upgrading' }
  | { readonly name: 'awaitingXclientReply'; readonly capabilities: UpstreamCapabilities }
  | { readonly name: 'awaitingChallenge' }
  /** `isFollowedByPass`: PASS was sent right behind it. */
  | { readonly name: 'awaitingUserReply'; readonly isFollowedByPass?: true }
  | { readonly name: 'awaitingLoginReply' }
  | { readonly name: 'finished' };

/** Where Postern's own login at an upstream stands, from its greeting to the answer. */
export interface UpstreamLoginState {
  readonly dialogue: UpstreamDialogue;
  /** Credentials are sent in no other condition. */
  readonly isSecure: boolean;
  /** Whether the greeting showed `[XCLIENT]`, in the clear even: what it leads to is sent under verified TLS alone. */
  readonly isXclientGreeted: boolean;
  /** How a read-ahead goes on once the login stands; absent where none is wanted, or the capabilities are not yet known. */
  readonly readAhead?: ReadAheadStart;
  readonly stage: Stage;
}

/** Something that happened on the upstream's side. */
export type UpstreamLoginEvent =
  /** A line without its ending; `isFollowed`: more octets have already arrived behind it. */
  | { readonly kind: 'line'; readonly text: string; readonly isFollowed: boolean }
  | { readonly kind: 'lineTooLong' }
  /** The handshake is done and the certificate verified. */
  | { readonly kind: 'tlsVerified' };

/** What whoever holds the socket has to do, in order. */
export type UpstreamLoginEffect =
  /** Octets to send: whole lines with their endings. */
  | { readonly kind: 'send'; readonly lines: string }
  | { readonly kind: 'startTls' }
  /** Learnt under verified TLS. */
  | {
      readonly kind: 'capabilitiesLearnt';
      readonly capabilities: UpstreamCapabilities;
      readonly lines: readonly string[];
    }
  /** The connection is verified and greeted; credentials come next, if there are any. */
  | { readonly kind: 'ready' }
  /** The server does not take XCLIENT; the login goes on without. */
  | { readonly kind: 'xclientNotTaken'; readonly detail: string }
  | { readonly kind: 'accepted'; readonly reply: StatusReply; readonly readAhead?: ReadAheadStart }
  | { readonly kind: 'refused'; readonly reply: StatusReply }
  | {
      readonly kind: 'failed';
      readonly reason: 'no_stls' | 'injected' | 'not_pop3' | 'unavailable';
      readonly detail: string;
    };

/** A new state and what follows from it. */
export interface UpstreamLoginStep {
  readonly state: UpstreamLoginState;
  readonly effects: readonly UpstreamLoginEffect[];
}

/** The state of a connection just made; for implicit TLS that means verified too. */
export function beginUpstreamLogin(dialogue: UpstreamDialogue): UpstreamLoginState {
  const isSecure = dialogue.tls === 'implicit';
  return { dialogue, isSecure, isXclientGreeted: false, stage: { name: 'awaitingGreeting' } };
}

/** Begins where an earlier dialogue without credentials, on the same verified connection, has ended. */
export function resumeUpstreamLogin(dialogue: UpstreamDialogue): UpstreamLoginStep {
  return afterGreeting({ ...beginUpstreamLogin(dialogue), isSecure: true });
}

/** Whether the password is out, and how the upstream judges it still to come. */
export function isPasswordSent({ stage }: UpstreamLoginState): boolean {
  return stage.name === 'awaitingLoginReply' || (stage.name === 'awaitingUserReply' && stage.isFollowedByPass === true);
}

/** The next state and its effects. Throws where an event cannot happen in a state: that is the caller's mistake. */
export function stepUpstreamLogin(state: UpstreamLoginState, event: UpstreamLoginEvent): UpstreamLoginStep {
  switch (event.kind) {
    case 'line':
      return onLine(state, event);
    case 'lineTooLong':
      if (!isAwaitingLine(state)) throw impossible(state, event);
      return fail(state, 'not_pop3', 'It sent a line that is too long');
    case 'tlsVerified':
      if (state.stage.name !== 'upgrading') throw impossible(state, event);
      return afterGreeting({ ...state, isSecure: true });
    default:
      return event satisfies never;
  }
}

function onLine(
  state: UpstreamLoginState,
  { text, isFollowed }: { text: string; isFollowed: boolean },
): UpstreamLoginStep {
  const { stage } = state;
  switch (stage.name) {
    case 'awaitingCapabilities':
      if (stage.lines !== undefined) return onCapabilityLine(state, { text, lines: stage.lines });
      break;
    case 'awaitingChallenge':
      if (text === '+' || text.startsWith('+ ')) return sendPlainMessage(state);
      break;
    case 'upgrading':
    case 'finished':
      throw impossible(state, { kind: 'line' });
  }
  const reply = parseStatusReply(text);
  return reply === undefined
    ? fail(state, 'not_pop3', describeNoReply(state, text))
    : onReply(state, { reply, isFollowed });
}

function onReply(
  state: UpstreamLoginState,
  { reply, isFollowed }: { reply: StatusReply; isFollowed: boolean },
): UpstreamLoginStep {
  const { stage } = state;
  switch (stage.name) {
    case 'awaitingGreeting':
      if (reply.isOk) return afterGreeting({ ...state, isXclientGreeted: reply.text.includes('[XCLIENT]') });
      return fail(state, 'unavailable', `It greeted with ${quote(reply.text)}`);
    case 'awaitingCapabilities':
      // CAPA is optional (RFC 2449 §1): a server without it knows USER and PASS, and no STLS that it would announce.
      if (!reply.isOk) return afterCapabilities(state, []);
      return { state: { ...state, stage: { name: 'awaitingCapabilities', lines: [] } }, effects: [] };
    case 'awaitingStlsReply':
      if (!reply.isOk) return fail(state, 'no_stls', `It refused STLS with ${quote(reply.text)}`);
      if (isFollowed) return fail(state, 'injected', 'Octets follow its reply to STLS');
      return { state: { ...state, stage: { name: 'upgrading' } }, effects: [{ kind: 'startTls' }] };
    case 'awaitingXclientReply':
      return afterXclient(state, { reply, capabilities: stage.capabilities });
    case 'awaitingUserReply':
      if (!reply.isOk) return finish(state, { kind: 'refused', reply });
      if (stage.isFollowedByPass) return { state: { ...state, stage: { name: 'awaitingLoginReply' } }, effects: [] };
      return send(state, { name: 'awaitingLoginReply' }, `PASS ${credentialsOf(state).password}`);
    case 'awaitingChallenge':
      // Nothing was sent that it could have accepted.
      if (reply.isOk) return fail(state, 'not_pop3', 'It accepted a login before the password was sent');
      return finish(state, { kind: 'refused', reply });
    case 'awaitingLoginReply':
      if (!reply.isOk) return finish(state, { kind: 'refused', reply });
      return finish(state, { kind: 'accepted', reply, ...readAheadOf(state, isFollowed) });
    case 'upgrading':
    case 'finished':
      throw impossible(state, { kind: 'line' });
    default:
      return stage satisfies never;
  }
}

/** What comes behind a greeting, and behind the handshake of STLS, which has no greeting of its own (RFC 2595 §4). */
function afterGreeting(state: UpstreamLoginState): UpstreamLoginStep {
  const { knownCapabilities } = state.dialogue;
  if (state.isSecure && knownCapabilities !== undefined) return logIn(state, knownCapabilities);
  return send(state, { name: 'awaitingCapabilities' }, 'CAPA');
}

function onCapabilityLine(
  state: UpstreamLoginState,
  { text, lines }: { text: string; lines: readonly string[] },
): UpstreamLoginStep {
  if (text === '.') return afterCapabilities(state, lines);
  if (lines.length === maxCapabilityLines) return fail(state, 'not_pop3', 'Its list of capabilities does not end');
  return { state: { ...state, stage: { name: 'awaitingCapabilities', lines: [...lines, text] } }, effects: [] };
}

function afterCapabilities(state: UpstreamLoginState, lines: readonly string[]): UpstreamLoginStep {
  const capabilities = parseCapabilities(lines);
  if (state.isSecure) {
    const { state: next, effects } = logIn(state, capabilities);
    return { state: next, effects: [{ kind: 'capabilitiesLearnt', capabilities, lines }, ...effects] };
  }
  if (!capabilities.offersStls) return fail(state, 'no_stls', 'It does not offer STLS');
  return send(state, { name: 'awaitingStlsReply' }, 'STLS');
}

function logIn(state: UpstreamLoginState, capabilities: UpstreamCapabilities): UpstreamLoginStep {
  if (state.dialogue.credentials === undefined) return finish(state, { kind: 'ready' });
  const { state: next, effects } = introduceClient(state, capabilities);
  return { state: next, effects: [{ kind: 'ready' }, ...effects] };
}

function introduceClient(state: UpstreamLoginState, capabilities: UpstreamCapabilities): UpstreamLoginStep {
  const { xclient } = state.dialogue;
  if (xclient === undefined) return sendCredentials(state, capabilities);
  if (capabilities.offersXclient || state.isXclientGreeted)
    return send(state, { name: 'awaitingXclientReply', capabilities }, `XCLIENT ${xclient}`);
  return goOnWithoutXclient(state, { capabilities, detail: 'It does not offer XCLIENT' });
}

function afterXclient(
  state: UpstreamLoginState,
  { reply, capabilities }: { reply: StatusReply; capabilities: UpstreamCapabilities },
): UpstreamLoginStep {
  if (reply.isOk) return sendCredentials(state, capabilities);
  return goOnWithoutXclient(state, { capabilities, detail: `It refused XCLIENT with ${quote(reply.text)}` });
}

function goOnWithoutXclient(
  state: UpstreamLoginState,
  { capabilities, detail }: { capabilities: UpstreamCapabilities; detail: string },
): UpstreamLoginStep {
  const { state: next, effects } = sendCredentials(state, capabilities);
  return { state: next, effects: [{ kind: 'xclientNotTaken', detail }, ...effects] };
}

function sendCredentials(state: UpstreamLoginState, capabilities: UpstreamCapabilities): UpstreamLoginStep {
  const { username, password } = credentialsOf(state);
  const { offersSaslPlain, offersPipelining } = capabilities;
  const known = planReadAhead(state, offersPipelining);
  if (!offersSaslPlain) {
    if (!offersPipelining) return send(known, { name: 'awaitingUserReply' }, `USER ${username}`);
    const lines = `USER ${username}\r\nPASS ${password}`;
    return sendLast(known, { name: 'awaitingUserReply', isFollowedByPass: true }, lines);
  }
  const command = `AUTH PLAIN ${encodePlainMessage(username, password)}`;
  if (`${command}\r\n`.length > maxCommandOctets) return send(known, { name: 'awaitingChallenge' }, 'AUTH PLAIN');
  return sendLast(known, { name: 'awaitingLoginReply' }, command);
}

function planReadAhead(state: UpstreamLoginState, offersPipelining: true | undefined): UpstreamLoginState {
  if (!state.dialogue.readAhead) return state;
  return { ...state, readAhead: offersPipelining ? 'pipelined' : 'stepwise' };
}

/** Sends the last line of a login, and behind it what the client will ask (RFC 2449 §6.6: each command in turn). */
function sendLast(state: UpstreamLoginState, stage: Stage, lines: string): UpstreamLoginStep {
  if (state.readAhead !== 'pipelined') return send(state, stage, lines);
  return send({ ...state, readAhead: 'sent' }, stage, `${lines}\r\n${readAheadLines.slice(0, -crlf.length)}`);
}

/** What a server says unasked behind its reply is the client's: its session is not read ahead. */
function readAheadOf({ readAhead }: UpstreamLoginState, isFollowed: boolean): { readonly readAhead?: ReadAheadStart } {
  if (readAhead === undefined || (isFollowed && readAhead !== 'sent')) return {};
  return { readAhead };
}

function sendPlainMessage(state: UpstreamLoginState): UpstreamLoginStep {
  const { username, password } = credentialsOf(state);
  return sendLast(state, { name: 'awaitingLoginReply' }, encodePlainMessage(username, password));
}

/** The one place that hands credentials out, and only to a secure connection. */
function credentialsOf({ dialogue, isSecure }: UpstreamLoginState): {
  readonly username: string;
  readonly password: string;
} {
  if (!isSecure || dialogue.credentials === undefined)
    throw new Error('Cannot send credentials: the upstream is not verified');
  return dialogue.credentials;
}

function send(state: UpstreamLoginState, stage: Stage, lines: string): UpstreamLoginStep {
  return { state: { ...state, stage }, effects: [{ kind: 'send', lines: `${lines}${crlf}` }] };
}

function finish(state: UpstreamLoginState, effect: UpstreamLoginEffect): UpstreamLoginStep {
  return { state: { ...state, stage: { name: 'finished' } }, effects: [effect] };
}

function fail(
  state: UpstreamLoginState,
  reason: 'no_stls' | 'injected' | 'not_pop3' | 'unavailable',
  detail: string,
): UpstreamLoginStep {
  return finish(state, { kind: 'failed', reason, detail });
}

function isAwaitingLine({ stage }: UpstreamLoginState): boolean {
  return stage.name.startsWith('awaiting');
}

function impossible({ stage }: UpstreamLoginState, event: { readonly kind: string }): Error {
  return new Error(`Cannot handle ${event.kind} while ${stage.name}`);
}

/** Words that answer the password stay out of the log: they may repeat it. */
function describeNoReply(state: UpstreamLoginState, text: string): string {
  return isPasswordSent(state) ? 'It answered the login with no POP3 reply' : `It sent ${quote(text)}`;
}

/** An upstream's words for a log line: printable, short, quoted. */
function quote(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}
