import { createGuard, type GuardOptions, type LoginGuard, openSharedStore } from '../../src/guard/guard.ts';
import { SharedClock } from '../../src/guard/shared-clock.ts';
import { RedisConnection } from '../../src/net/redis-connection.ts';
import type { LimitName, LoginLimit, LoginLimits } from '../../src/policy/login-limits.ts';
import { noNetworks } from '../../src/policy/networks.ts';
import type { Upstream } from '../../src/policy/upstream.ts';
import type { GateEvent } from '../../src/proxy/events.ts';
import type { Guard, GuardVerdict, LoginAttempt } from '../../src/proxy/ports.ts';

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

/** What a test says about its limits; the limits it does not name are out of reach. */
export type LimitsUnderTest = Partial<Omit<LoginLimits, LimitName>> & Partial<Record<LimitName, Partial<LoginLimit>>>;

/** Limits of which only the named ones can be reached: three failures in ten minutes, then a minute, doubling up to ten. */
export function limitsOf(tested: LimitsUnderTest): LoginLimits {
  return {
    refusedPasswordsMs: 6 * hourMs,
    knownForMs: 30 * dayMs,
    loginsPerAddress: 1_000,
    sessionsPerAccount: 1_000,
    replyDelay: { firstMs: 0, maxMs: 0, sockets: 1_000 },
    hashKey: 'a key of the tests',
    exempt: noNetworks,
    onStoreFailure: 'local',
    ...tested,
    perAddress: limitOf(tested.perAddress),
    perNetwork: limitOf(tested.perNetwork),
    perAccount: limitOf(tested.perAccount),
    perAddressAndAccount: limitOf(tested.perAddressAndAccount),
    accountsPerNetwork: limitOf(tested.accountsPerNetwork),
    passwordsPerAccount: limitOf(tested.passwordsPerAccount),
  };
}

/** One limit, as a test wants it. */
export function limitOf(tested: Partial<LoginLimit> | undefined): LoginLimit {
  const threshold = tested === undefined ? 1_000_000 : 3;
  return { threshold, windowMs: 10 * minuteMs, blockMs: minuteMs, maxBlockMs: 10 * minuteMs, ...tested };
}

/** A `Report` that remembers. */
export function recordEvents(): { readonly events: GateEvent[]; readonly report: (event: GateEvent) => void } {
  const events: GateEvent[] = [];
  return { events, report: (event) => events.push(event) };
}

/** A clock that stands still until it is moved on. */
export function createClock(): { readonly clock: SharedClock; readonly pass: (ms: number) => void } {
  let nowMs = 1_800_000_000_000;
  return {
    clock: new SharedClock(() => nowMs),
    pass: (ms) => {
      nowMs += ms;
    },
  };
}

/** A guard with a connection to Redis of its own, which it closes; without `redis` its limits are in memory. */
export function openGuard({
  redis,
  ...options
}: GuardOptions & {
  readonly redis?: { readonly url: string; readonly keyPrefix: string; readonly timeoutMs?: number };
}): LoginGuard & AsyncDisposable {
  if (redis === undefined) return Object.assign(createGuard(options), { [Symbol.asyncDispose]: async () => {} });
  const connection = new RedisConnection({
    timeoutMs: 2_000,
    ...redis,
    onChange: (isUp, detail) => options.report({ kind: 'storeChanged', store: 'redis', isUp, detail }),
  });
  const guard = createGuard({ ...openSharedStore({ limits: options.limits, redis: connection }), ...options });
  return Object.assign(guard, { [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose]() });
}

/** Where attempts under test go. */
export const upstream: Upstream = {
  name: 'att',
  host: 'inbound.att.net',
  port: 995,
  tls: 'implicit',
  serverName: 'inbound.att.net',
  minVersion: 'TLSv1.2',
  username: 'address',
};

let sessions = 1_000;

/** A login attempt; each call makes another one, in a session of its own. */
export function attemptOf(tested: Partial<LoginAttempt> = {}): LoginAttempt {
  const account = tested.account ?? 'alice@att.net';
  sessions += 1;
  return {
    sessionId: `here-${sessions}`,
    listener: 'lan',
    address: '192.0.2.7',
    account,
    username: account,
    password: 'open sesame',
    transport: 'stls',
    upstream,
    ...tested,
  };
}

/** Tries a login, which ends upstream as it is said, where it is let in; the verdict. */
export async function logIn(
  guard: Guard,
  { outcome, ...tested }: Partial<LoginAttempt> & { readonly outcome: 'accepted' | 'refused' },
): Promise<GuardVerdict> {
  const attempt = attemptOf(tested);
  const verdict = await guard.admit(attempt);
  if (verdict.kind === 'allowed') {
    await guard.settle(attempt, outcome);
    guard.release(attempt);
  }
  return verdict;
}

/** Has the upstream refuse so many different passwords, of those that are let in; the last verdict. */
export async function guess(
  guard: Guard,
  { times, first = 1, ...tested }: Partial<LoginAttempt> & { readonly times: number; readonly first?: number },
): Promise<GuardVerdict | undefined> {
  let verdict: GuardVerdict | undefined;
  for (let index = first; index < first + times; index += 1) {
    verdict = await logIn(guard, { ...tested, password: `guess ${index}`, outcome: 'refused' });
  }
  return verdict;
}

/** Whether a login with the right password would be let in now: `allowed`, or why not. Nothing is settled. */
export async function verdictOn(guard: Guard, tested: Partial<LoginAttempt> = {}): Promise<string> {
  const attempt = attemptOf(tested);
  const verdict = await guard.admit(attempt);
  guard.release(attempt);
  return verdict.kind === 'allowed' ? 'allowed' : [verdict.reason, verdict.limit].filter(Boolean).join(' ');
}
