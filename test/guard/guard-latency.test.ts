import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { embeddedConfig } from '../../src/config/embedded.ts';
import { createGuard, openSharedStore } from '../../src/guard/guard.ts';
import { RedisConnection } from '../../src/net/redis-connection.ts';
import type { LoginAttempt } from '../../src/proxy/ports.ts';
import { program } from '../support/programs.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { attemptOf } from './fixtures.ts';

/** `POSTERN_LATENCY=10x500`: 10 seconds of 500 logins a second, and the times are told. In the suite only calls are counted. */
const [, seconds = 1, perSecond = 100] = (/^(\d+)x(\d+)$/.exec(process.env.POSTERN_LATENCY ?? '') ?? []).map(Number);
const owners = 200;
/** One login in so many is a guess. */
const guessEach = 10;

interface Timed {
  readonly isGuess: boolean;
  /** Both calls, before and after the upstream was asked. */
  readonly guardMs: number;
}

/** Each in a /24 of its own, so that no limit stops it: a guess that is refused costs less. */
function botAddress(bot: number): string {
  return `198.${18 + (bot >> 8)}.${bot & 255}.7`;
}

function planOf(index: number): { readonly attempt: LoginAttempt; readonly isGuess: boolean } {
  const isGuess = index % guessEach === 0;
  const account = `owner${index % owners}@att.net`;
  const sessionId = `login-${index}`;
  const attempt = isGuess
    ? attemptOf({
        sessionId,
        account: `victim${index}@att.net`,
        address: botAddress(index / guessEach),
        password: `${index}`,
      })
    : attemptOf({ sessionId, account, address: `192.0.2.${index % owners}` });
  return { attempt, isGuess };
}

describe.skipIf(!program('redis-server'))('the guard beside a local Redis', { timeout: (seconds + 30) * 1_000 }, () => {
  let server: RedisServer;
  let connection: RedisConnection;
  beforeAll(async () => {
    server = await startRedis();
    connection = new RedisConnection({
      url: server.url,
      keyPrefix: `${randomUUID()}:`,
      timeoutMs: 5_000,
      onChange: () => {},
    });
  });
  afterAll(async () => {
    await connection[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  test('asks it once about an owner who logs in, and twice about a guess', async () => {
    const calls: string[] = [];
    const limits = { ...embeddedConfig().limits, hashKey: 'a key of the tests' };
    const shared = openSharedStore({ limits, redis: connection, onStoreCall: (call) => calls.push(call) });
    const guard = createGuard({ ...shared, limits, report: () => {} });
    const logIn = async ({ attempt, isGuess }: ReturnType<typeof planOf>): Promise<Timed> => {
      const startMs = performance.now();
      const verdict = await guard.admit(attempt);
      if (verdict.kind === 'allowed') await guard.settle(attempt, isGuess ? 'refused' : 'accepted');
      const guardMs = performance.now() - startMs;
      guard.release(attempt);
      return { isGuess, guardMs };
    };
    // Known, and with scripts that Redis knows and V8 has compiled.
    const warm = owners * guessEach;
    for (let index = 0; index < warm; index += 1) await logIn(planOf(index));
    calls.length = 0;

    const startMs = performance.now();
    const logins: Promise<Timed>[] = [];
    for (let index = 0; index < perSecond * seconds; index += 1) {
      const waitMs = startMs + (index * 1_000) / perSecond - performance.now();
      if (waitMs > 0) await delay(waitMs);
      logins.push(logIn(planOf(warm + index)));
    }
    const timed = await Promise.all(logins);
    const guesses = timed.filter(({ isGuess }) => isGuess).length;
    expect(calls).toHaveLength(timed.length + guesses);
    if (process.env.POSTERN_LATENCY !== undefined) console.log(describeTimes(timed.map(({ guardMs }) => guardMs)));
  });
});

function describeTimes(times: readonly number[]): string {
  const sorted = times.toSorted((one, other) => one - other);
  const at = (share: number): string => `${sorted[Math.ceil(sorted.length * share) - 1]?.toFixed(2)} ms`;
  return `${sorted.length} logins: p50 ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}, p99.9 ${at(0.999)}, most ${at(1)}`;
}
