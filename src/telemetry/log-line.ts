import type { LogLevel } from '../config/config.ts';
import { explainToOperator } from '../policy/upstream-failure.ts';
import type { GateEvent, LoginResult, SessionIdentity } from '../proxy/events.ts';
import { certificateFields, describeLifetime } from './certificate-line.ts';
import { adviseOnClose } from './close-advice.ts';
import { printable, printableAccount } from './printable.ts';

/** What a log line says beside its level and time: plain words, and fields to search by. */
export interface LogLine {
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

type LoginFinished = Extract<GateEvent, { kind: 'loginFinished' }>;
type SessionClosed = Extract<GateEvent, { kind: 'sessionClosed' }>;

const logins: Readonly<Record<LoginResult, { readonly level: LogLevel; readonly message: string }>> = {
  accepted: { level: 'info', message: 'Login accepted' },
  refused: { level: 'info', message: 'Login refused by the upstream' },
  busy: { level: 'info', message: 'Login put off by the upstream' },
  denied: { level: 'info', message: 'Login denied by the upstream for good' },
  untrusted: { level: 'warn', message: 'Login not sent on: the upstream cannot be trusted' },
  unreachable: { level: 'warn', message: 'Login failed: the upstream cannot be reached' },
  limited: { level: 'info', message: 'Login refused by a limit' },
  unrouted: { level: 'info', message: 'Login refused: no upstream serves the account' },
  cancelled: { level: 'debug', message: 'Login cancelled: the client went away' },
};

/** The log is no place for more; `postern check` prints all. */
const maxProblems = 20;

/** How much an event matters. Known before its line is put together, so that a silent level costs nothing. */
export function logLevel(event: GateEvent): LogLevel {
  switch (event.kind) {
    case 'sessionOpened':
    case 'clientTlsEstablished':
    case 'upstreamConnected':
    case 'readyConnectionMade':
    // A login that needs the upstream says it louder.
    case 'readyConnectionFailed':
    case 'relayStarted':
    // The login that it stopped is logged at `info`.
    case 'loginLimited':
      return 'debug';
    case 'connectionRefused':
      // Each block is logged once, and overload as well; what they keep out comes in floods.
      return event.reason === 'blocked' || event.reason === 'overloaded' ? 'debug' : 'info';
    case 'clientTlsFailed':
    case 'blockAdded':
    case 'blockLifted':
      return 'info';
    case 'loginBlocked':
    case 'clientInfoNotTaken':
      return 'warn';
    case 'loginFinished':
      return logins[event.result].level;
    case 'sessionClosed':
      return event.reason === 'internal_error' ? 'error' : 'info';
    case 'certificateReloaded':
      return 'info';
    case 'certificateRejected':
      return 'error';
    case 'certificateExpiring':
      return event.daysLeft === 0 ? 'error' : 'warn';
    case 'plaintextExceptionEnding':
      return 'warn';
    case 'configurationReloaded':
      return event.needsRestart.length > 0 ? 'warn' : 'info';
    case 'configurationRejected':
      return 'error';
    case 'storeChanged':
      return event.isUp ? 'info' : 'error';
    default:
      return event satisfies never;
  }
}

/** Puts an event into words and fields. What a peer chose is bounded and printable. */
export function logLine(event: GateEvent): LogLine {
  // The two that each session has at the usual level are made in one go.
  if (event.kind === 'loginFinished') return loginLine(event);
  if (event.kind === 'sessionClosed') return closeLine(event);
  const { message, ...fields } = describe(event);
  return { message, fields: { event: event.kind, ...fields } };
}

function describe(event: Exclude<GateEvent, LoginFinished | SessionClosed>): {
  readonly message: string;
  readonly [field: string]: unknown;
} {
  switch (event.kind) {
    case 'connectionRefused': {
      const { listener, address, reason, detail } = event;
      const explained = detail !== undefined && { detail: printableDetail(detail) };
      return { message: 'Connection refused', listener, address, reason, ...explained };
    }
    case 'sessionOpened':
      return describeOpened(event);
    case 'clientTlsEstablished': {
      const { transport, tls, certificate, ignoredCertificate: ignored } = event;
      const identity = {
        ...certificateFields(certificate),
        ...(ignored !== undefined && { ignoredCertificate: printableDetail(ignored) }),
      };
      return { message: 'TLS with the client established', ...session(event), transport, ...tls, ...identity };
    }
    case 'clientTlsFailed': {
      const { transport, detail } = event;
      return { message: 'TLS with the client failed', ...session(event), transport, detail: printableDetail(detail) };
    }
    case 'upstreamConnected': {
      const { upstream, upstreamAddress, durationMs, tls, readyForMs } = event;
      const ready = readyForMs !== undefined && { readyForMs: Math.round(readyForMs) };
      const connection = { upstream, upstreamAddress, ...tls, durationMs: Math.round(durationMs), ...ready };
      return { message: 'Upstream connected and verified', ...session(event), ...connection };
    }
    case 'readyConnectionMade': {
      const { upstream, upstreamAddress, durationMs, tls } = event;
      const connection = { upstream, upstreamAddress, ...tls, durationMs: Math.round(durationMs) };
      return { message: 'Upstream connected and verified, ready for a login', ...connection };
    }
    case 'readyConnectionFailed': {
      const { upstream, failure } = event;
      const trouble = { reason: failure.reason, detail: printableDetail(failure.detail) };
      return { message: 'No connection made ready', upstream, ...trouble };
    }
    case 'clientInfoNotTaken': {
      const { upstream, detail } = event;
      return { message: 'Upstream is not told of the client', upstream, detail: printableDetail(detail) };
    }
    case 'relayStarted': {
      const { account, upstream } = event;
      return { message: 'Relay started', ...session(event), account: printableAccount(account), upstream };
    }
    case 'loginBlocked': {
      const { limit, subject, durationMs } = event;
      return { message: 'Logins blocked', limit, subject: printableSubject(subject), durationMs };
    }
    case 'loginLimited': {
      const { limit, subject, retryAfterMs } = event;
      return { message: 'Login met a block', limit, subject: printableSubject(subject), retryAfterMs };
    }
    case 'blockAdded': {
      const { effect, subject, reason, untilMs, by } = event;
      const message = effect === 'block' ? 'An operator blocked logins' : 'An operator exempted logins from the limits';
      const until = untilMs === undefined ? {} : { until: new Date(untilMs).toISOString() };
      return { message, subject: printableSubject(subject), reason: printableDetail(reason), ...until, by };
    }
    case 'blockLifted': {
      const { limit, subject, by } = event;
      return { message: 'Block lifted', ...(limit && { limit }), subject: printableSubject(subject), by };
    }
    case 'storeChanged': {
      const { store, isUp, detail } = event;
      return { message: isUp ? 'Store is up' : 'Store is down', store, detail: printableDetail(detail) };
    }
    case 'certificateReloaded':
    case 'certificateRejected':
    case 'certificateExpiring':
    case 'plaintextExceptionEnding':
      return describeLifetime(event);
    case 'configurationReloaded': {
      const { by, changes, needsRestart } = event;
      return { message: 'Configuration read anew', by, changes, ...(needsRestart.length > 0 && { needsRestart }) };
    }
    case 'configurationRejected': {
      const problems = event.problems.slice(0, maxProblems).map((problem) => printable(problem, 500));
      return { message: 'The configuration is wrong: everything stays as it was', by: event.by, problems };
    }
    default:
      return event satisfies never;
  }
}

function describeOpened(event: Extract<GateEvent, { kind: 'sessionOpened' }>) {
  const { port, transport, proxySource, correlationId } = event;
  return {
    message: 'Session opened',
    ...session(event),
    port,
    transport,
    ...(proxySource !== undefined && { proxySource }),
    ...(correlationId !== undefined && { correlationId }),
  };
}

function loginLine(event: LoginFinished): LogLine {
  const { account, result, clientCertificate: certificate, guard, failure } = event;
  const fields = {
    event: event.kind,
    session: event.sessionId,
    listener: event.listener,
    address: event.address,
    account: printableAccount(account),
    upstream: event.upstream,
    transport: event.transport,
    ...(certificate && certificateFields(certificate)),
    result,
    code: responseCode(event.reply),
    durationMs: Math.round(event.durationMs),
    ...(guard && { guard: guard.reason, limit: guard.limit, retryAfterMs: guard.retryAfterMs }),
    ...(failure && {
      reason: failure.reason,
      detail: printableDetail(failure.detail),
      advice: explainToOperator(failure.reason),
    }),
  };
  const message = event.deniedBy === undefined ? logins[result].message : 'Login denied by certificateAccounts';
  return { message, fields };
}

function closeLine(event: SessionClosed): LogLine {
  const { reason, durationMs, traffic, cause } = event;
  const fields = {
    event: event.kind,
    session: event.sessionId,
    listener: event.listener,
    address: event.address,
    reason,
    advice: adviseOnClose(event),
    durationMs: Math.round(durationMs),
    octetsToUpstream: traffic.toUpstream,
    octetsToClient: traffic.toClient,
    ...(cause !== undefined && { error: describeError(cause) }),
  };
  return { message: reason === 'internal_error' ? 'Session closed by an error of our own' : 'Session closed', fields };
}

function session({ sessionId, listener, address }: SessionIdentity) {
  return { session: sessionId, listener, address };
}

const replyCodes = new Set(['AUTH', 'IN-USE', 'LOGIN-DELAY', 'SYS/TEMP', 'SYS/PERM', 'UTF8']);

/** The registered response code of a reply. Its text is left out: an upstream may repeat the password in it. */
export function responseCode(reply: string): string | undefined {
  const code = /^\[([^\]]{1,32})\]/.exec(reply)?.[1]?.toUpperCase();
  return code !== undefined && replyCodes.has(code) ? code : undefined;
}

/** Where an error came from. Its message is left out: the runtime's own quote the value they complain about. */
export function describeError(error: unknown) {
  if (!(error instanceof Error)) return { type: typeof error };
  const frames = error.stack?.split('\n').filter((line) => /^\s+at /.test(line));
  return {
    type: error.name,
    ...('code' in error && typeof error.code === 'string' && { code: error.code }),
    stack: frames?.slice(0, 20).map((line) => line.trim()),
  };
}

function printableDetail(detail: string): string {
  return printable(detail, 300);
}

/** A limit's subject is an address, an account or both. */
function printableSubject(subject: string): string {
  return printable(subject, 320);
}
