import { createGuard, type GuardOptions, type LoginGuard } from '../../src/guard/guard.ts';
import { RedisConnection } from '../../src/net/redis-connection.ts';
import type { LoginLimit, LoginLimits } from '../../src/policy/login-limits.ts';
import type { Networks } from '../../src/policy/networks.ts';
import { noNetworks } from '../../src/policy/networks.ts';
import type { GateEvent } from '../../src/proxy/events.ts';
import type { Guard, LoginSubject } from '../../src/proxy/ports.ts';

/** What a test says about its limits; the limits it does not name are out of reach. */
export interface LimitsUnderTest {
  readonly perAddress?: Partial<LoginLimit>;
  readonly perAccount?: Partial<LoginLimit>;
  readonly perAddressAndAccount?: Partial<LoginLimit>;
  readonly exempt?: Networks;
  readonly onStoreFailure?: 'local' | 'refuse';
}

/** Limits of which only the named ones can be reached: three failures in ten minutes, then a minute, doubling up to ten. */
export function limitsOf(tested: LimitsUnderTest): LoginLimits {
  return {
    perAddress: limitOf(tested.perAddress),
    perAccount: limitOf(tested.perAccount),
    perAddressAndAccount: limitOf(tested.perAddressAndAccount),
    exempt: tested.exempt ?? noNetworks,
    onStoreFailure: tested.onStoreFailure ?? 'local',
  };
}

function limitOf(tested: Partial<LoginLimit> | undefined): LoginLimit {
  const failures = tested === undefined ? 1_000_000 : 3;
  return { failures, windowMs: 600_000, blockMs: 60_000, maxBlockMs: 600_000, ...tested };
}

/** A `Report` that remembers. */
export function recordEvents(): { readonly events: GateEvent[]; readonly report: (event: GateEvent) => void } {
  const events: GateEvent[] = [];
  return { events, report: (event) => events.push(event) };
}

/** A guard with a connection to Redis of its own, which it closes; without `redis` its limits are in memory. */
export function openGuard({
  redis,
  ...options
}: Omit<GuardOptions, 'redis'> & {
  readonly redis?: { readonly url: string; readonly keyPrefix: string };
}): LoginGuard & AsyncDisposable {
  if (redis === undefined) return Object.assign(createGuard(options), { [Symbol.asyncDispose]: async () => {} });
  const connection = new RedisConnection({
    ...redis,
    onChange: (isUp, detail) => options.report({ kind: 'storeChanged', store: 'redis', isUp, detail }),
  });
  return Object.assign(createGuard({ ...options, redis: connection }), {
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  });
}

/** Lets the upstream refuse a login so many times. */
export async function refuse(
  guard: Guard,
  { times, ...subject }: LoginSubject & { readonly times: number },
): Promise<void> {
  for (let attempt = 0; attempt < times; attempt += 1) await guard.settle(subject, 'refused');
}

export const alice: LoginSubject = { address: '192.0.2.7', account: 'alice@att.net' };
export const bob: LoginSubject = { address: '192.0.2.8', account: 'bob@att.net' };
