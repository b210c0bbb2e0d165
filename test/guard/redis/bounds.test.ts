import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  maxKnownPerAccount,
  maxListedSessions,
  maxOwnersPerNetwork,
  maxRefusedPerAccount,
} from '../../../src/policy/guard/bounds.ts';
import { program } from '../../support/programs.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';
import { limitsOf, loginOf, minuteMs, openStore, startMs } from './store-under-test.ts';

/** What an account may take in Redis, however it is attacked. */
const maxAccountOctets = 128 * 1024;
const credentials = 20_000;
const addresses = 5_000;
const atOnce = 100;

const limits = limitsOf({
  perAddress: { threshold: 20 },
  perNetwork: { threshold: 100 },
  perAccount: { threshold: 10 },
  perAddressAndAccount: { threshold: 5 },
  passwordsPerAccount: { threshold: 10 },
});

describe.skipIf(program('redis-server') === undefined)('the memory of RedisStore', () => {
  let server: RedisServer;
  let inspector: Redis;
  beforeAll(async () => {
    server = await startRedis();
    inspector = new Redis(server.url);
  });
  afterAll(async () => {
    inspector.disconnect();
    await server[Symbol.asyncDispose]();
  });

  async function octetsOf(pattern: string): Promise<number> {
    const keys = await inspector.keys(pattern);
    expect(keys.length).toBeGreaterThan(0);
    const sizes = await Promise.all(keys.map((key) => inspector.memory('USAGE', key, 'SAMPLES', 0)));
    return sizes.reduce<number>((sum, size) => sum + Number(size), 0);
  }

  test(`holds an account below 128 kB, whoever attacks it`, async () => {
    await using tested = openStore({ url: server.url, limits });
    for (let first = 0; first < credentials; first += atOnce) {
      const guesses = Array.from({ length: atOnce }, (_, index) => {
        const host = Math.floor((first + index) / (credentials / addresses));
        return loginOf({ address: `10.${host >> 8}.${host & 255}.1`, password: `guess ${first + index}` });
      });
      await Promise.all(guesses.map((guess) => tested.store.look(guess)));
      await Promise.all(guesses.map((guess) => tested.store.countFailure(guess)));
    }
    for (let session = 0; session < 3 * maxListedSessions; session += 1) {
      const live = [{ account: loginOf().account, sessionId: `session-${session}-${'x'.repeat(30)}` }];
      await tested.store.noteSessions({ live, ended: [] });
      await tested.store.noteAccepted(loginOf({ address: `172.16.${session}.1`, password: `${session}` }), {
        pairMembers: [],
      });
    }
    for (let guess = 0; guess < 2 * maxRefusedPerAccount; guess += 1)
      await tested.store.countFailure(loginOf({ password: `late ${guess}` }));
    const facts = await tested.store.describeAccount(loginOf().account);
    expect(facts.knownAddresses.length).toBe(maxKnownPerAccount);
    expect(facts.refusedUntilMs.length).toBe(maxRefusedPerAccount);
    expect(facts.liveSessions).toBe(maxListedSessions);
    expect(facts.counts.perAccount).toBe(10);
    expect(await octetsOf(`${tested.keyPrefix}{a:alice@att.net}*`)).toBeLessThan(maxAccountOctets);
  }, 60_000);

  test('keeps a blocked pair when others crowd in, and forgets those seen longest ago', async () => {
    let nowMs = startMs;
    await using tested = openStore({
      url: server.url,
      limits: limitsOf({ perAddressAndAccount: { threshold: 2, blockMs: 9 * minuteMs } }),
      nowMs: () => nowMs,
    });
    const blocked = loginOf({ address: '10.0.0.1' });
    await tested.store.countFailure(blocked);
    await tested.store.countFailure(loginOf({ address: '10.0.0.1', password: 'another' }));
    for (let host = 2; host <= 300; host += 1) {
      nowMs += 1;
      await tested.store.countFailure(loginOf({ address: `10.0.${host}.1` }));
    }
    expect((await tested.store.look(blocked)).blocks.length).toBe(1);
    expect((await tested.store.look(loginOf({ address: '10.0.300.1' }))).pairMembers.length).toBe(1);
    expect((await tested.store.look(loginOf({ address: '10.0.2.1' }))).pairMembers).toEqual([]);
    expect(await inspector.hlen(`${tested.keyPrefix}{a:alice@att.net}windows`)).toBeLessThanOrEqual(258);
  });

  test('holds a network whose hosts have no end', async () => {
    await using tested = openStore({ url: server.url, limits });
    for (let site = 0; site < 600; site += 1) {
      const login = loginOf({ account: `user${site}@att.net`, address: `2001:db8:1:${site.toString(16)}::1` });
      await tested.store.countFailure(login);
      await tested.store.noteAccepted(login, { pairMembers: [] });
    }
    expect(await inspector.hlen(`${tested.keyPrefix}{n:2001:db8:1::/48}windows`)).toBeLessThanOrEqual(258);
    expect(await inspector.zcard(`${tested.keyPrefix}{n:2001:db8:1::/48}owners`)).toBe(maxOwnersPerNetwork);
    const placed = await tested.store.listBlocks();
    expect(placed).toMatchObject([{ limit: 'perNetwork', subject: '2001:db8:1::/48', hasOwners: true }]);
  });
});
