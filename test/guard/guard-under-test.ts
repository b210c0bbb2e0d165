import { randomUUID } from 'node:crypto';
import type { LoginGuard } from '../../src/guard/guard.ts';
import type { GateEvent } from '../../src/proxy/events.ts';
import { program } from '../support/programs.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { type LimitsUnderTest, limitsOf, openGuard, recordEvents } from './fixtures.ts';

/** A guard, and what it reported. */
export interface GuardUnderTest extends AsyncDisposable {
  readonly guard: LoginGuard;
  readonly events: GateEvent[];
}

/** Where the limits of guards under test can be; a Redis of their own where there is one. */
export interface GuardPlaces extends AsyncDisposable {
  readonly hasRedis: boolean;
  create(kind: 'memory' | 'redis', tested: LimitsUnderTest): GuardUnderTest;
}

/** Starts what guards under test need. */
export async function openGuardPlaces(): Promise<GuardPlaces> {
  const redis: RedisServer | undefined = program('redis-server') === undefined ? undefined : await startRedis();
  return {
    hasRedis: redis !== undefined,
    create: (kind, tested) => {
      const { events, report } = recordEvents();
      const store =
        kind === 'redis' && redis !== undefined ? { redis: { url: redis.url, keyPrefix: `${randomUUID()}:` } } : {};
      const guard = openGuard({ limits: limitsOf(tested), report, ...store });
      return { guard, events, [Symbol.asyncDispose]: () => guard[Symbol.asyncDispose]() };
    },
    [Symbol.asyncDispose]: async () => redis?.[Symbol.asyncDispose](),
  };
}
