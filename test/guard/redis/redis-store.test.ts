import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agreeOnHashKey } from '../../../src/guard/redis/hash-key.ts';
import type { LoginLimits } from '../../../src/policy/login-limits.ts';
import { program } from '../../support/programs.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';
import { hourMs, limitsOf, loginOf, minuteMs, openStore, refuseDifferent, startMs } from './store-under-test.ts';

const alice = loginOf();
const bob = loginOf({ account: 'bob@att.net', address: '198.51.100.8' });

describe.skipIf(program('redis-server') === undefined)('RedisStore', () => {
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

  const open = (limits?: LoginLimits, keyPrefix?: string) =>
    openStore({
      url: server.url,
      ...(limits === undefined ? {} : { limits }),
      ...(keyPrefix === undefined ? {} : { keyPrefix }),
    });

  test('goes by the clock of Redis where it is given none', async () => {
    await using tested = open();
    const [before] = await inspector.time();
    const { nowMs } = await tested.store.look(alice);
    const [after] = await inspector.time();
    expect(nowMs).toBeGreaterThanOrEqual(Number(before) * 1000);
    expect(nowMs).toBeLessThan((Number(after) + 1) * 1000);
  });

  test('shares counts, blocks, owners and lifts between stores with the same prefix', async () => {
    const limits = limitsOf({ perAccount: { threshold: 2 }, perAddress: { threshold: 2 } });
    await using one = open(limits);
    await using two = open(limits, one.keyPrefix);
    await one.store.noteAccepted(alice, { pairMembers: [] });
    await refuseDifferent(one.store, { times: 1 });
    await refuseDifferent(two.store, { times: 1, first: 2 });
    const facts = await one.store.look(alice);
    expect(facts.knownSinceMs).toBeDefined();
    expect(facts.blocks).toEqual([
      { limit: 'perAccount', subject: alice.account, untilMs: expect.any(Number), strikes: 1, hasOwners: false },
      { limit: 'perAddress', subject: alice.address, untilMs: expect.any(Number), strikes: 1, hasOwners: true },
    ]);
    // Written behind the login that placed them: the store that did it knows when.
    expect(await two.store.countBlocks()).toMatchObject({ perAccount: 1, perAddress: 1, perNetwork: 0 });
    expect(await one.store.liftBlock({ limit: 'perAccount', subject: alice.account })).toBe(true);
    expect(await two.store.liftBlock({ limit: 'perAccount', subject: alice.account })).toBe(false);
    expect((await two.store.look(alice)).blocks.map(({ limit }) => limit)).toEqual(['perAddress']);
    expect((await two.store.listBlocks()).map(({ limit }) => limit)).toEqual(['perAddress']);
  });

  test('keeps stores with different prefixes apart', async () => {
    const limits = limitsOf({ perAccount: { threshold: 1 } });
    await using one = open(limits);
    await using two = open(limits);
    await one.store.countFailure(alice);
    expect((await one.store.look(alice)).blocks.length).toBe(1);
    expect((await two.store.look(alice)).blocks).toEqual([]);
    expect(await two.store.listBlocks()).toEqual([]);
  });

  test('places one block for a burst on two stores', async () => {
    const limits = limitsOf({ perAccount: { threshold: 3 } });
    await using one = open(limits);
    await using two = open(limits, one.keyPrefix);
    const burst = Array.from({ length: 20 }, (_, guess) =>
      (guess % 2 === 0 ? one : two).store.countFailure(loginOf({ password: `guess ${guess}` })),
    );
    const placed = (await Promise.all(burst)).flatMap((counted) => counted.placed);
    expect(placed).toMatchObject([{ limit: 'perAccount', strikes: 1 }]);
  });

  test('lets no more strangers try at once, on all stores, than may still fail', async () => {
    const limits = limitsOf({ perAccount: { threshold: 5 } });
    await using one = open(limits);
    await using two = open(limits, one.keyPrefix);
    await refuseDifferent(one.store, { times: 2 });
    const burst = Array.from({ length: 20 }, (_, guess) =>
      (guess % 2 === 0 ? one : two).store.look(loginOf({ address: `203.0.113.${guess}`, password: `try ${guess}` })),
    );
    expect((await Promise.all(burst)).filter(({ isReserved }) => isReserved).length).toBe(3);
  });

  test('counts what is replayed where it belongs in time', async () => {
    const limits = limitsOf({ perAccount: { threshold: 3, windowMs: 10 * minuteMs } });
    let nowMs = startMs;
    await using tested = openStore({ url: server.url, limits, nowMs: () => nowMs });
    await refuseDifferent(tested.store, { times: 1 });
    await tested.store.countFailure(loginOf({ password: 'older' }), startMs - 9 * minuteMs);
    nowMs += 2 * minuteMs;
    expect((await tested.store.describeAccount(alice.account)).counts.perAccount).toBe(1);
    await tested.store.countFailure(loginOf({ password: 'newer' }));
    expect((await tested.store.look(alice)).blocks).toEqual([]);
  });

  test('remembers no refusal that it is told of behind a later success: the password may be the one that succeeded', async () => {
    await using tested = openStore({ url: server.url, nowMs: () => startMs });
    await tested.store.noteAccepted(alice, { pairMembers: [] });
    await tested.store.countFailure(alice, startMs - 1);
    const facts = await tested.store.look(alice);
    expect(facts).toMatchObject({ isAccepted: true, addressFailures: 1 });
    expect(facts.refusedUntilMs).toBeUndefined();
  });

  test('writes no key without its prefix, and but one without an expiry', async () => {
    await using alone = await startRedis();
    using own = disposable(new Redis(alone.url));
    const limits = limitsOf({
      perAddress: { threshold: 2 },
      perNetwork: { threshold: 2 },
      perAccount: { threshold: 2 },
      perAddressAndAccount: { threshold: 2 },
    });
    await using tested = openStore({ url: alone.url, limits, keyPrefix: 'postern:' });
    const { store } = tested;
    await agreeOnHashKey(tested.connection, 'f00d');
    await store.look(alice);
    await store.look(loginOf({ address: '203.0.113.1' }));
    await refuseDifferent(store, { times: 2 });
    await store.noteAccepted(bob, { pairMembers: [] });
    await store.noteSessions({ live: [{ account: bob.account, sessionId: 'one' }], ended: [] });
    await store.restoreBlocks([
      { limit: 'perNetwork', subject: bob.network, untilMs: Date.now() + hourMs, strikes: 1, hasOwners: true },
    ]);
    await store.listBlocks();
    const keys = (await own.client.keys('*')).filter((key) => key !== 'postern:trial');
    expect(keys.sort()).toEqual([
      'postern:{a:alice@att.net}refused',
      'postern:{a:alice@att.net}tried',
      'postern:{a:alice@att.net}under-way',
      'postern:{a:alice@att.net}windows',
      'postern:{a:bob@att.net}accepted',
      'postern:{a:bob@att.net}known',
      'postern:{a:bob@att.net}sessions',
      'postern:{guard}block-notes:perAccount',
      'postern:{guard}block-notes:perAddress',
      'postern:{guard}block-notes:perAddressAndAccount',
      'postern:{guard}block-notes:perNetwork',
      'postern:{guard}blocks:perAccount',
      'postern:{guard}blocks:perAddress',
      'postern:{guard}blocks:perAddressAndAccount',
      'postern:{guard}blocks:perNetwork',
      'postern:{guard}hash-key',
      'postern:{n:192.0.2.0/24}windows',
      'postern:{n:198.51.100.0/24}owners',
      'postern:{n:198.51.100.0/24}windows',
    ]);
    for (const key of keys) {
      const ttlMs = await own.client.pttl(key);
      if (key === 'postern:{guard}hash-key') expect(ttlMs).toBe(-1);
      else expect(ttlMs, key).toBeGreaterThan(minuteMs / 2);
    }
  });

  test('keeps a subject for as long as its strikes are not forgiven', async () => {
    const limits = limitsOf({
      perAccount: { threshold: 1, windowMs: minuteMs, blockMs: 2 * minuteMs, maxBlockMs: hourMs },
    });
    await using tested = open(limits);
    await tested.store.countFailure(alice);
    const ttlMs = await inspector.pttl(`${tested.keyPrefix}{a:alice@att.net}windows`);
    expect(ttlMs).toBeGreaterThan(hourMs);
    expect(ttlMs).toBeLessThanOrEqual(2 * minuteMs + hourMs);
  });

  test('remembers nothing of a password, only what it was told', async () => {
    await using tested = open();
    await tested.store.look(alice);
    await tested.store.countFailure(alice);
    await tested.store.noteAccepted(loginOf({ password: 'another' }), { pairMembers: [] });
    const accepted = await inspector.get(`${tested.keyPrefix}{a:alice@att.net}accepted`);
    // 12 bits of the keyed hash, no more.
    expect(accepted).toBe(loginOf({ password: 'another' }).credential.slice(0, 3));
  });

  test('lists the blocks that end last where there are too many, and enforces all', async () => {
    const limits = limitsOf();
    await using tested = openStore({ url: server.url, limits, nowMs: () => startMs });
    const blocks = Array.from({ length: 5_050 }, (_, index) => ({
      limit: 'perAccount' as const,
      subject: `user${index}@att.net`,
      untilMs: startMs + hourMs + index,
      strikes: 2,
      hasOwners: false,
    }));
    await tested.store.restoreBlocks(blocks);
    const listed = await tested.store.listBlocks();
    expect(listed.length).toBe(5_000);
    expect(listed[0]).toEqual(blocks.at(-1));
    expect(listed.at(-1)).toEqual(blocks[50]);
    expect((await tested.store.countBlocks()).perAccount).toBe(5_000);
    expect((await tested.store.look(loginOf({ account: 'user0@att.net' }))).blocks).toEqual([blocks[0]]);
  });

  test('agrees on the first secret that was proposed', async () => {
    await using one = open();
    await using two = open(limitsOf(), one.keyPrefix);
    const secrets = await Promise.all([
      agreeOnHashKey(one.connection, 'first'),
      agreeOnHashKey(two.connection, 'second'),
    ]);
    expect(secrets[0]).toBe(secrets[1]);
    await inspector.del(`${one.keyPrefix}{guard}hash-key`);
    expect(await agreeOnHashKey(two.connection, 'still in use')).toBe('still in use');
    expect(await agreeOnHashKey(one.connection, 'first')).toBe('still in use');
  });
});

function disposable(client: Redis): Disposable & { readonly client: Redis } {
  return { client, [Symbol.dispose]: () => client.disconnect() };
}
