import { type CertificateAccounts, type ClientIdentity, isAccountPermitted } from '../policy/client-certificate.ts';
import type { Route, Router } from '../policy/routing.ts';
import type { Transport } from '../policy/transport.ts';
import type { Upstream } from '../policy/upstream.ts';
import { isTlsFailure, replyForFailure, type UpstreamFailure } from '../policy/upstream-failure.ts';
import type { StatusReply } from '../pop3/reply.ts';
import type { LoginResult, Report, SessionIdentity, TlsFacts } from './events.ts';
import type {
  ClientInfo,
  Credentials,
  Guard,
  GuardVerdict,
  LogInUpstream,
  LoginSubject,
  UpstreamSession,
} from './ports.ts';

/** What a login needs from outside. */
export interface LoginPorts {
  readonly router: Router;
  readonly guard: Guard;
  readonly logInUpstream: LogInUpstream;
  readonly report: Report;
  /** A clock that never steps back, milliseconds. */
  readonly nowMs: () => number;
}

/** One login as the client asked for it. */
export interface LoginRequest {
  readonly identity: SessionIdentity;
  readonly transport: Transport;
  /** Absent without TLS. */
  readonly clientTls?: TlsFacts;
  /** Who the client is by its certificate. */
  readonly clientCertificate?: ClientIdentity;
  /** Which certificates may use which accounts; absent: anybody may use any. */
  readonly certificateAccounts?: readonly CertificateAccounts[];
  readonly credentials: Credentials;
  /** What an upstream that wants to know may be told. */
  readonly describeClient?: () => ClientInfo;
  /** The listener's upstream, where it has one. */
  readonly listenerUpstream?: string;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
}

interface FinishedLogin {
  readonly account: string;
  /** Stands behind the status indicator. */
  readonly reply: string;
}

/** A login that stands. Whoever gets it owns the upstream's connection. */
export interface AcceptedLogin extends FinishedLogin {
  readonly result: 'accepted';
  readonly upstream: Upstream;
  readonly session: UpstreamSession;
}

interface FailedLogin extends FinishedLogin {
  readonly result: Exclude<LoginResult, 'accepted'>;
  readonly upstream?: Upstream;
  readonly failure?: UpstreamFailure;
  readonly deniedBy?: 'certificateAccounts';
}

/** How a login ended. */
export type LoginOutcome = AcceptedLogin | FailedLogin;

/** Routes a login, asks the guard, logs in upstream, tells the guard and reports the outcome. */
export async function logIn(request: LoginRequest, ports: LoginPorts): Promise<LoginOutcome> {
  const startedAtMs = ports.nowMs();
  const outcome = await decide(request, ports);
  ports.report({
    kind: 'loginFinished',
    ...request.identity,
    transport: request.transport,
    ...(request.clientTls === undefined ? {} : { clientTls: request.clientTls }),
    ...(request.clientCertificate === undefined ? {} : { clientCertificate: request.clientCertificate }),
    account: outcome.account,
    ...(outcome.upstream === undefined ? {} : { upstream: outcome.upstream.name }),
    result: outcome.result,
    durationMs: ports.nowMs() - startedAtMs,
    reply: outcome.reply,
    ...('failure' in outcome && outcome.failure !== undefined ? { failure: outcome.failure } : {}),
    ...('deniedBy' in outcome && outcome.deniedBy !== undefined ? { deniedBy: outcome.deniedBy } : {}),
  });
  return outcome;
}

async function decide(request: LoginRequest, ports: LoginPorts): Promise<LoginOutcome> {
  const { identity, credentials } = request;
  const route = ports.router.route(credentials.username, request.listenerUpstream);
  if (route.kind === 'unrouted') return { result: 'unrouted', account: route.account, reply: route.reply };
  const { account, upstream } = route;
  const denial = denyByCertificate(request, account);
  if (denial !== undefined) return { ...denial, account, upstream };

  const subject: LoginSubject = { address: identity.address, account: route.limitedAccount };
  const verdict = await ports.guard.admit(subject);
  if (verdict.kind !== 'allowed') return { result: 'limited', account, upstream, reply: replyForVerdict(verdict) };

  try {
    return await logInAt(route, { request, subject, ports });
  } finally {
    ports.guard.release(subject);
  }
}

async function logInAt(
  { account, upstream, username }: Extract<Route, { kind: 'upstream' }>,
  { request, subject, ports }: { request: LoginRequest; subject: LoginSubject; ports: LoginPorts },
): Promise<LoginOutcome> {
  const { identity, credentials, signal } = request;
  const login = await ports.logInUpstream({
    upstream,
    credentials: { username, password: credentials.password },
    ...(request.describeClient === undefined || upstream.clientInfo === undefined
      ? {}
      : { client: request.describeClient() }),
    signal,
    onConnected: ({ address, tls, durationMs }) =>
      ports.report({
        kind: 'upstreamConnected',
        ...identity,
        upstream: upstream.name,
        upstreamAddress: address,
        tls,
        durationMs,
      }),
  });
  switch (login.kind) {
    case 'accepted':
      await ports.guard.settle(subject, 'accepted');
      // Gone while the guard was told: nothing of the maildrop was seen, and the client can simply try again.
      if (login.session.socket.destroyed) return brokenOff(account, upstream);
      return { result: 'accepted', account, upstream, reply: login.reply.text, session: login.session };
    case 'refused': {
      const result = classifyRefusal(login.reply);
      if (result === 'refused') await ports.guard.settle(subject, 'refused');
      return { result, account, upstream, reply: replyForRefusal(login.reply) };
    }
    case 'failed': {
      const result = signal.aborted ? 'cancelled' : isTlsFailure(login.failure.reason) ? 'untrusted' : 'unreachable';
      const reply = replyForFailure(login.failure.reason, upstream.host);
      return { result, account, upstream, reply, failure: login.failure };
    }
    default:
      return login satisfies never;
  }
}

function denyByCertificate(
  { certificateAccounts, clientCertificate: certificate }: LoginRequest,
  account: string,
): Pick<FailedLogin, 'result' | 'reply' | 'deniedBy'> | undefined {
  if (isAccountPermitted(certificateAccounts, { account, ...(certificate === undefined ? {} : { certificate }) })) {
    return undefined;
  }
  const reply =
    certificate === undefined
      ? '[SYS/PERM] Logging in here needs a client certificate that your administrator trusts'
      : '[SYS/PERM] Your client certificate is not for this account: ask your administrator';
  return { result: 'denied', reply, deniedBy: 'certificateAccounts' };
}

function brokenOff(account: string, upstream: Upstream): FailedLogin {
  const failure: UpstreamFailure = { reason: 'reset', detail: 'It closed the connection behind the login' };
  const reply = replyForFailure(failure.reason, upstream.host);
  return { result: 'unreachable', account, upstream, reply, failure };
}

/** What an upstream's refusal means, by its response code (RFC 2449 §8.1, RFC 3206 §4); without a code it is about the credentials. */
export function classifyRefusal({ code }: StatusReply): 'refused' | 'busy' | 'denied' {
  switch (code) {
    case 'IN-USE':
    case 'LOGIN-DELAY':
    case 'SYS/TEMP':
      return 'busy';
    case 'SYS/PERM':
      return 'denied';
    default:
      return 'refused';
  }
}

/** The upstream's own words: people need to read "Application-specific password required". */
function replyForRefusal({ code, text }: StatusReply): string {
  if (code !== undefined) return text;
  return text === '' ? '[AUTH] The mail server refused this user name or password' : `[AUTH] ${text}`;
}

function replyForVerdict(verdict: Exclude<GuardVerdict, { kind: 'allowed' }>): string {
  if (verdict.kind === 'unavailable') return '[SYS/TEMP] Logins cannot be checked right now. Please try again later';
  if (verdict.kind === 'busy')
    return '[SYS/TEMP] Too many logins at once for this account. Please try again in a moment';
  return `[SYS/TEMP] Too many failed logins. Please try again in ${describeWait(verdict.retryAfterMs)}`;
}

function describeWait(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  if (seconds < 120) return seconds === 1 ? '1 second' : `${seconds} seconds`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 120 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}
