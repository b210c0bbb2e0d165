import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type OpenGuard, openGuard } from '../../src/commands/guard.ts';
import { RedisConnection } from '../../src/net/redis-connection.ts';
import type { LoginLimits } from '../../src/policy/login-limits.ts';
import { createTelemetry, type Telemetry } from '../../src/telemetry/telemetry.ts';
import { attemptOf, guess, limitsOf, logIn, verdictOn } from '../guard/fixtures.ts';
import { program } from '../support/programs.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { type RedisClusterServers, startRedisCluster } from '../support/redis-cluster.ts';

interface Instance extends AsyncDisposable {
  readonly open: OpenGuard;
  readonly telemetry: Telemetry;
  readonly redis: RedisConnection;
  readonly sessions: Set<string>;
  readonly log: readonly string[];
}

let server: RedisServer;
const instances: Instance[] = [];

beforeEach(async () => {
  server = await startRedis();
});

afterEach(async () => {
  server.resume();
  for (const instance of instances.splice(0)) await instance[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

async function start(limits: LoginLimits, cluster?: RedisClusterServers): Promise<Instance> {
  const log: string[] = [];
  const telemetry = createTelemetry({
    log: { level: 'info', format: 'json' },
    version: '0.0.0-test',
    runtime: 'test',
    listeners: ['lan'],
    upstreams: ['att'],
    maxSessions: 100,
    destination: { write: (line) => void log.push(line) },
  });
  const redis = new RedisConnection({
    ...(cluster === undefined ? { url: server.url } : { cluster }),
    keyPrefix: 'postern:',
    timeoutMs: 250,
    onChange: () => {},
  });
  const sessions = new Set<string>();
  const countedAs = (account: string): string => account;
  const open = await openGuard({ limits }, { redis, telemetry, countedAs, endSession: (id) => sessions.delete(id) });
  const instance: Instance = {
    open,
    telemetry,
    redis,
    sessions,
    log,
    [Symbol.asyncDispose]: async () => {
      await open[Symbol.asyncDispose]();
      await redis[Symbol.asyncDispose]();
    },
  };
  instances.push(instance);
  return instance;
}

function becomes(isUp: boolean): Promise<void> {
  return soon(() => expect(instances.map(({ redis }) => redis.isUp)).toEqual(instances.map(() => isUp)));
}

function soon<T>(look: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(look, { timeout: 10_000, interval: 20 });
}

const here = '192.0.2.7';
const there = '198.51.100.7';

describe.skipIf(program('redis-server') === undefined)('two guards on one Redis', () => {
  test('count together what each saw while Redis hung', async () => {
    const limits = limitsOf({ perAccount: { threshold: 6, maxBlockMs: 60_000 } });
    const [one, other] = [await start(limits), await start(limits)];
    await becomes(true);
    server.pause();
    // Redis will read these when it goes on, and reserve the account's room for as long as a lease.
    await verdictOn(one.open.guard, { account: 'carol@att.net' });
    await verdictOn(other.open.guard, { account: 'carol@att.net' });
    await becomes(false);
    await guess(one.open.guard, { times: 3, address: here });
    await guess(other.open.guard, { times: 3, first: 3, address: there });
    // The third guess of one is the first of the other: five different passwords.
    expect(await verdictOn(one.open.guard, { address: '203.0.113.1' })).toBe('allowed');

    server.resume();
    await becomes(true);
    await soon(async () => {
      const { counts } = await one.open.guard.describeAccount('alice@att.net');
      expect(counts.perAccount).toBe(5);
    });
    expect(await verdictOn(other.open.guard, { address: '203.0.113.1' })).toBe('allowed');
    await guess(other.open.guard, { times: 1, first: 9, address: there });
    await soon(async () => {
      expect(await verdictOn(one.open.guard, { address: '203.0.113.1' })).toBe('limit perAccount');
    });
  });

  test('take over who logged in while Redis was gone', async () => {
    const limits = limitsOf({ perAccount: { threshold: 2 } });
    const [one, other] = [await start(limits), await start(limits)];
    await becomes(true);
    await server.kill();
    await becomes(false);
    await guess(one.open.guard, { times: 1, address: here });
    await logIn(one.open.guard, { address: here, outcome: 'accepted' });

    await server.restart();
    await becomes(true);
    await soon(async () => {
      const { knownAddresses } = await other.open.guard.describeAccount('alice@att.net');
      expect(knownAddresses.map(({ address }) => address)).toEqual([here]);
    });
    await guess(other.open.guard, { times: 2, address: there });
    expect(await verdictOn(other.open.guard, { address: there })).toBe('limit perAccount');
    expect(await verdictOn(other.open.guard, { address: here })).toBe('allowed');
  });

  test('give Redis back the blocks and entries that it lost', async () => {
    const limits = limitsOf({ perAccount: { threshold: 2, blockMs: 60_000 } });
    const [one, other] = [await start(limits), await start(limits)];
    await becomes(true);
    await guess(one.open.guard, { times: 2 });
    const spam = { effect: 'block', target: { network: '203.0.113.0/24' }, reason: 'Sends spam' } as const;
    await one.open.guard.addEntry(spam, 'ops');
    await soon(() => expect(other.open.guard.refusesAddress('203.0.113.9')).toEqual({}));

    await server.kill();
    await becomes(false);
    await server.restart();
    await becomes(true);

    await soon(async () => {
      const late = await start(limits);
      expect(late.open.guard.refusesAddress('203.0.113.9')).toEqual({});
      expect((await late.open.guard.listBlocks()).map(({ subject }) => subject)).toEqual([
        '203.0.113.0/24',
        'alice@att.net',
      ]);
    });
  });

  test('end a session wherever it is, and the sessions that an entry is about', async () => {
    const limits = limitsOf({});
    const [one, other] = [await start(limits), await start(limits)];
    await becomes(true);
    const identity = { listener: 'lan', address: here };
    for (const sessionId of ['there-1', 'there-2', 'there-3']) {
      other.sessions.add(sessionId);
      const { report } = other.telemetry;
      report({ kind: 'sessionOpened', ...identity, sessionId, port: 1, transport: 'plaintext' });
      other.open.guard.openSession({ sessionId, account: sessionId === 'there-3' ? 'bob@att.net' : 'alice@att.net' });
    }
    expect(await one.open.endSession('there-1', 'ops')).toBe(true);
    expect(await one.open.endSession('there-1', 'ops')).toBe(false);
    expect(other.log.join('')).toContain('"by":"ops"');

    await one.open.guard.addEntry({ effect: 'block', target: { account: 'alice@att.net' }, reason: 'Left' }, 'ops');
    await soon(() => expect([...other.sessions]).toEqual(['there-3']));
    expect(await verdictOn(other.open.guard)).toBe('manual');
  });

  test('forgive a pair everywhere once it logged in', async () => {
    const [one, other] = [await start(limitsOf({ perAddressAndAccount: {} })), await start(limitsOf({}))];
    await becomes(true);
    await guess(one.open.guard, { times: 1, address: here });
    const underWay = attemptOf({ address: here });
    expect((await other.open.guard.admit(underWay)).kind).toBe('allowed');
    await guess(one.open.guard, { times: 2, first: 2, address: here });
    expect(await verdictOn(one.open.guard, { address: here })).toBe('limit perAddressAndAccount');

    await other.open.guard.settle(underWay, 'accepted');
    other.open.guard.release(underWay);

    await soon(async () => expect(await verdictOn(one.open.guard, { address: here })).toBe('allowed'));
  });

  test('know of live sessions on both', async () => {
    const limits = limitsOf({ sessionsPerAccount: 1 });
    const [one, other] = [await start(limits), await start(limits)];
    await becomes(true);
    const session = { sessionId: 'there-1', account: 'alice@att.net' };
    other.open.guard.openSession(session);
    await soon(async () => expect(await verdictOn(one.open.guard)).toBe('in_use'));
    other.open.guard.closeSession(session);
    await soon(async () => expect(await verdictOn(one.open.guard)).toBe('allowed'));
  });
});

describe.skipIf(program('redis-server') === undefined)('two guards on a Redis Cluster', () => {
  test('know of blocks, entries and sessions of each other', async () => {
    await using cluster = await startRedisCluster();
    const limits = limitsOf({ perAddress: { threshold: 2 } });
    const [one, other] = [await start(limits, cluster), await start(limits, cluster)];
    await becomes(true);

    await guess(one.open.guard, { times: 2, address: there });
    await soon(() => expect(other.open.guard.refusesAddress(there)?.limit).toBe('perAddress'));
    await one.open.guard.addEntry({ effect: 'block', target: { network: here }, reason: 'Sends spam' }, 'ops');
    await soon(() => expect(other.open.guard.refusesAddress(here)).toEqual({}));
    other.sessions.add('there-1');
    expect(await one.open.endSession('there-1', 'ops')).toBe(true);

    for (const { id } of await other.open.guard.listBlocks()) {
      expect(await other.open.guard.liftBlock(id, 'ops')).toBe(true);
    }
    await soon(() => {
      expect(one.open.guard.refusesAddress(here)).toBeUndefined();
      expect(one.open.guard.refusesAddress(there)).toBeUndefined();
    });
    for (const instance of instances.splice(0)) await instance[Symbol.asyncDispose]();
  });
});
