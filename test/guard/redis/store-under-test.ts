import { createHash, randomUUID } from 'node:crypto';
import type { GuardStore, LoginKey } from '../../../src/guard/guard-store.ts';
import { RedisStore } from '../../../src/guard/redis/redis-store.ts';
import { RedisConnection, type RedisConnectionOptions } from '../../../src/net/redis-connection.ts';
import { loginPlace } from '../../../src/policy/limit-subjects.ts';
import type { LimitName, LoginLimit, LoginLimits } from '../../../src/policy/login-limits.ts';
import { noNetworks } from '../../../src/policy/networks.ts';

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;
/** When tests with a clock of their own begin. */
export const startMs = 1_800_000_000_000;

/** Longer than a busy machine keeps an answer waiting. */
const timeoutMs = 5_000;

/** What a test says about its limits; the limits it does not name are out of reach. */
export type LimitsUnderTest = Partial<Omit<LoginLimits, LimitName>> & Partial<Record<LimitName, Partial<LoginLimit>>>;

/** Limits of which only the named ones can be reached: three in ten minutes, then a minute, doubling up to ten. */
export function limitsOf(tested: LimitsUnderTest = {}): LoginLimits {
  const of = (limit: Partial<LoginLimit> | undefined): LoginLimit => ({
    threshold: limit === undefined ? 1_000 : 3,
    windowMs: 10 * minuteMs,
    blockMs: minuteMs,
    maxBlockMs: 10 * minuteMs,
    ...limit,
  });
  return {
    refusedPasswordsMs: 6 * hourMs,
    knownForMs: 30 * dayMs,
    loginsPerAddress: 30,
    sessionsPerAccount: 10,
    replyDelay: { firstMs: 0, maxMs: 0, sockets: 0 },
    exempt: noNetworks,
    onStoreFailure: 'local',
    ...tested,
    perAddress: of(tested.perAddress),
    perNetwork: of(tested.perNetwork),
    perAccount: of(tested.perAccount),
    perAddressAndAccount: of(tested.perAddressAndAccount),
    accountsPerNetwork: of(tested.accountsPerNetwork),
    passwordsPerAccount: of(tested.passwordsPerAccount),
  };
}

/** What tests say of a store in Redis. */
export interface StoreOptions extends Pick<RedisConnectionOptions, 'url' | 'cluster'> {
  readonly limits?: LoginLimits;
  readonly keyPrefix?: string;
  readonly nowMs?: () => number;
}

/** A store with a connection of its own, and keys of its own unless it is told which. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: GuardStore;
  readonly connection: RedisConnection;
  readonly keyPrefix: string;
}

/** Opens a store in a Redis. */
export function openStore({
  limits = limitsOf(),
  keyPrefix = `${randomUUID()}:`,
  nowMs,
  ...servers
}: StoreOptions): StoreUnderTest {
  const connection = new RedisConnection({ ...servers, keyPrefix, timeoutMs, onChange: () => {} });
  return {
    store: new RedisStore({ limits, connection, ...(nowMs === undefined ? {} : { nowMs }) }),
    connection,
    keyPrefix,
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

/** A login as the guard tells stores of it. */
export function loginOf({
  account = 'alice@att.net',
  address = '192.0.2.7',
  password = 'secret',
  isExempt = false,
  sessionId = password,
}: {
  readonly account?: string;
  readonly address?: string;
  readonly password?: string;
  readonly isExempt?: boolean;
  readonly sessionId?: string;
} = {}): LoginKey {
  const place = loginPlace({ account, address });
  const credential = digits(`${account} ${password}`);
  return { ...place, sessionId, credential, accountHash: digits(account), isExempt };
}

/** Lets the upstream refuse so many different passwords, one after the other. */
export async function refuseDifferent(
  store: GuardStore,
  { times, first = 1, ...login }: Parameters<typeof loginOf>[0] & { readonly times: number; readonly first?: number },
): Promise<void> {
  for (let guess = first; guess < first + times; guess += 1)
    await store.countFailure(loginOf({ ...login, password: `guess ${guess}` }));
}

function digits(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
