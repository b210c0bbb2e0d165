import type { LimitName } from '../policy/login-limits.ts';
import type { GateEvent, GuardRefusal } from '../proxy/events.ts';

type LoginFinished = Extract<GateEvent, { kind: 'loginFinished' }>;

/** What a line says beside its event. */
export interface LoginLineContext {
  readonly timeMs: number;
  readonly hostname: string;
  readonly processId: number;
  /** The address that the listener has. */
  readonly localAddress: string;
}

/**
 * Writes a login as Dovecot 2.3 logs it, in the form that syslog gives to files, without an end of line. fail2ban and
 * CrowdSec count `auth failed`, so that is said only where the address that they would ban tried what is wrong.
 */
export function formatLoginLine(event: LoginFinished, context: LoginLineContext): string {
  const { hostname, processId, localAddress, timeMs } = context;
  const elements = [
    `user=<${inertName(event.account)}>`,
    // What Dovecot says of USER and PASS as well.
    'method=PLAIN',
    `rip=${plainAddress(event.address)}`,
    `lip=${plainAddress(localAddress)}`,
    ...(event.result === 'accepted' ? [`mpid=${processId}`] : []),
    ...(event.transport === 'plaintext' ? [] : ['TLS']),
    `session=<${event.sessionId}>`,
  ];
  const host = hostname.replace(/[^\w.-]/g, '-') || 'unknown';
  return `${new Date(timeMs).toISOString()} ${host} dovecot: pop3-login: ${verdictOf(event)}: ${elements.join(', ')}`;
}

/** What stands before the elements, in Dovecot's own words. */
function verdictOf({ result, guard, durationMs }: LoginFinished): string {
  const seconds = Math.round(durationMs / 1000);
  const aborted = (why: string): string => `Aborted login (${why}, 1 attempts in ${seconds} secs)`;
  switch (result) {
    case 'accepted':
      return 'Login';
    case 'refused':
      return aborted('auth failed');
    case 'limited':
      return aborted(whyLimited(guard));
    case 'denied':
    case 'unrouted':
      return aborted('authorization failed');
    case 'busy':
    case 'untrusted':
    case 'unreachable':
      return aborted(temporaryFailure);
    case 'cancelled':
      return `Disconnected (disconnected while authenticating, waited ${seconds} secs)`;
    default:
      return result satisfies never;
  }
}

const temporaryFailure = 'auth service reported temporary failure';

/** Limits that only the address itself can reach; the others also meet owners whose account or network is under attack. */
const ownLimits: readonly (LimitName | undefined)[] = ['perAddress', 'perAddressAndAccount'];

/** A stale password that is remembered was counted when the upstream refused it; a device that repeats it guesses nothing. */
function whyLimited(guard: GuardRefusal | undefined): string {
  if (guard?.reason === 'limit' && ownLimits.includes(guard.limit)) return 'auth failed';
  return guard?.reason === 'manual' || guard?.reason === 'policy_server' ? 'authorization failed' : temporaryFailure;
}

/** The longest mail address there is has 254 octets (RFC 5321 §4.5.3.1.3). */
const maxNameLength = 254;

/** A name that cannot be taken for anything else in the line: no spaces, brackets, commas, colons or equals signs, ASCII alone. */
function inertName(account: string): string {
  return account.slice(0, maxNameLength).replace(/[^\w.@+%#!$&'*/?^`{|}~-]/g, '?');
}

/** An address without its zone, which is this machine's own matter. */
function plainAddress(address: string): string {
  return address.replace(/%.*$/, '');
}
