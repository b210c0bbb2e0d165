import { type CertificateAccounts, type ClientIdentity, isAccountPermitted } from '../policy/client-certificate.ts';
import { classifyRefusal, replyForRefusal } from '../policy/refusal.ts';
import type { Route, Router } from '../policy/routing.ts';
import type { Transport } from '../policy/transport.ts';
import type { Upstream } from '../policy/upstream.ts';
import { isTlsFailure, replyForFailure, type UpstreamFailure } from '../policy/upstream-failure.ts';
import type { GuardRefusal, GuardTime, LoginResult, Report, SessionIdentity, TlsFacts } from './events.ts';
import type {
  ClientInfo,
  Credentials,
  Guard,
  LogInUpstream,
  LoginAttempt,
  UpstreamLogin,
  UpstreamSession,
} from './ports.ts';

type RouteToUpstream = Extract<Route, { kind: 'upstream' }>;

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
  /** Whether to read ahead there; absent: nowhere. */
  readonly wantsReadAhead?: (upstream: Upstream) => boolean;
  /** The listener's upstream, where it has one. */
  readonly listenerUpstream?: string;
  /** Waits for that many ms, less where the session ends before. */
  readonly hold: (delayMs: number) => Promise<void>;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
}

interface FinishedLogin {
  readonly account: string;
  /** Stands behind the status indicator. */
  readonly reply: string;
  readonly guardMs?: GuardTime;
}

/** A login that stands. Whoever gets it owns the upstream's connection. */
export interface AcceptedLogin extends FinishedLogin {
  readonly result: 'accepted';
  readonly upstream: Upstream;
  readonly session: UpstreamSession;
  /** What limits count it by. */
  readonly limitedAccount: string;
}

interface FailedLogin extends FinishedLogin {
  readonly result: Exclude<LoginResult, 'accepted'>;
  readonly upstream?: Upstream;
  readonly failure?: UpstreamFailure;
  readonly deniedBy?: 'certificateAccounts';
  readonly guard?: GuardRefusal;
  /** How long to hold the reply back; absent: not at all. */
  readonly delayMs?: number;
}

/** How a login ended. */
export type LoginOutcome = AcceptedLogin | FailedLogin;

/** Whether it was the credentials that were refused, by the upstream or by what is remembered of it. */
export function isCredentialRefusal(outcome: FailedLogin): boolean {
  return outcome.result === 'refused' || outcome.guard?.reason === 'remembered';
}

/** Routes a login, asks the guard, logs in upstream, tells the guard and reports the outcome. */
export async function logIn(request: LoginRequest, ports: LoginPorts): Promise<LoginOutcome> {
  const startedAtMs = ports.nowMs();
  const outcome = await decide(request, ports);
  const failed: Partial<FailedLogin> = outcome.result === 'accepted' ? {} : outcome;
  const { failure, deniedBy, guard } = failed;
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
    ...(failure === undefined ? {} : { failure }),
    ...(deniedBy === undefined ? {} : { deniedBy }),
    ...(guard === undefined ? {} : { guard }),
    ...(outcome.guardMs === undefined ? {} : { guardMs: outcome.guardMs }),
  });
  return outcome;
}

async function decide(request: LoginRequest, ports: LoginPorts): Promise<LoginOutcome> {
  const { credentials } = request;
  const route = ports.router.route(credentials.username, request.listenerUpstream);
  if (route.kind === 'unrouted') return { result: 'unrouted', account: route.account, reply: route.reply };
  const { account, upstream } = route;
  const denial = denyByCertificate(request, account);
  if (denial !== undefined) return { ...denial, account, upstream };

  const attempt = describeAttempt(request, route);
  const askedAtMs = ports.nowMs();
  const verdict = await ports.guard.admit(attempt);
  const admitMs = ports.nowMs() - askedAtMs;
  if (verdict.kind === 'refused') {
    const { kind: _, reply, delayMs, ...guard } = verdict;
    return { result: 'limited', account, upstream, reply, guard, delayMs, guardMs: { admitMs } };
  }

  try {
    if (verdict.delayMs !== undefined) await request.hold(verdict.delayMs);
    if (request.signal.aborted) return { ...cancelled, account, upstream, guardMs: { admitMs } };
    return await logInAt(route, { request, attempt, admitMs, ports });
  } finally {
    ports.guard.release(attempt);
  }
}

const cancelled = { result: 'cancelled', reply: '[SYS/TEMP] The login was given up' } as const;

function describeAttempt(request: LoginRequest, { account, limitedAccount, upstream }: RouteToUpstream): LoginAttempt {
  return {
    ...request.identity,
    account: limitedAccount,
    ...(account === limitedAccount ? {} : { shownAccount: account }),
    ...request.credentials,
    transport: request.transport,
    ...(request.clientTls === undefined ? {} : { clientTls: request.clientTls }),
    upstream,
  };
}

interface AdmittedLogin {
  readonly request: LoginRequest;
  readonly attempt: LoginAttempt;
  readonly admitMs: number;
  readonly ports: LoginPorts;
}

async function logInAt(
  route: RouteToUpstream,
  { request, attempt, admitMs, ports }: AdmittedLogin,
): Promise<LoginOutcome> {
  const { account, upstream, limitedAccount } = route;
  const login = await askUpstream(route, { request, ports });
  switch (login.kind) {
    case 'accepted': {
      if (request.signal.aborted) {
        login.session.socket.destroy();
        return { ...cancelled, account, upstream, guardMs: { admitMs } };
      }
      const { settleMs } = await settle({ attempt, ports }, 'accepted');
      const guardMs = { admitMs, settleMs };
      // Gone while the guard was told: nothing of the maildrop was seen, and the client can simply try again.
      if (login.session.socket.destroyed) return { ...brokenOff(account, upstream), guardMs };
      const { reply, session } = login;
      return { result: 'accepted', account, upstream, limitedAccount, reply: reply.text, session, guardMs };
    }
    case 'refused': {
      const result = classifyRefusal(login.reply);
      const refused = { result, account, upstream, reply: replyForRefusal(login.reply, result) };
      if (result !== 'refused') return { ...refused, guardMs: { admitMs } };
      const { settleMs, delayMs } = await settle({ attempt, ports }, 'refused');
      return { ...refused, delayMs, guardMs: { admitMs, settleMs } };
    }
    case 'failed': {
      const { failure } = login;
      const result = request.signal.aborted ? 'cancelled' : isTlsFailure(failure.reason) ? 'untrusted' : 'unreachable';
      const reply = replyForFailure(failure.reason, upstream.host);
      return { result, account, upstream, reply, failure, guardMs: { admitMs } };
    }
    default:
      return login satisfies never;
  }
}

function askUpstream(
  { upstream, username }: RouteToUpstream,
  { request, ports }: Pick<AdmittedLogin, 'request' | 'ports'>,
): Promise<UpstreamLogin> {
  const { identity, credentials, signal } = request;
  return ports.logInUpstream({
    upstream,
    credentials: { username, password: credentials.password },
    ...(request.describeClient === undefined || upstream.clientInfo === undefined
      ? {}
      : { client: request.describeClient() }),
    ...(request.wantsReadAhead?.(upstream) ? { readAhead: true } : {}),
    signal,
    onConnected: ({ address, ...facts }) =>
      ports.report({
        kind: 'upstreamConnected',
        ...identity,
        upstream: upstream.name,
        upstreamAddress: address,
        ...facts,
      }),
  });
}

async function settle(
  { attempt, ports }: Pick<AdmittedLogin, 'attempt' | 'ports'>,
  outcome: 'accepted' | 'refused',
): Promise<{ settleMs: number; delayMs: number }> {
  const startedAtMs = ports.nowMs();
  const { delayMs } = await ports.guard.settle(attempt, outcome);
  return { settleMs: ports.nowMs() - startedAtMs, delayMs };
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
