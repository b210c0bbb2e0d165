import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { slotCount } from '../../../src/net/redis/hash-slot.ts';
import { patience } from '../../net/redis/connection-under-test.ts';
import { program } from '../../support/programs.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';
import { limitsOf, loginOf, openStore, type StoreUnderTest } from './store-under-test.ts';
import { startWithholdingProxy, type WithholdingProxy } from './withholding-proxy.ts';

describe.skipIf(program('redis-server') === undefined)('a login at RedisStore', () => {
  let server: RedisServer;
  let proxy: WithholdingProxy;
  let tested: StoreUnderTest;
  beforeAll(async () => {
    server = await startRedis();
    proxy = await startWithholdingProxy(server.port);
    tested = openStore({ url: proxy.url, limits: limitsOf({ perAccount: { threshold: 2 } }) });
    // Redis knows the scripts after this.
    const warm = loginOf({ account: 'warm@att.net' });
    await tested.store.look(warm);
    await tested.store.countFailure(warm);
    await tested.store.noteAccepted(warm, { pairMembers: [warm.credential] });
  });
  afterAll(async () => {
    await tested[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  /** Nothing is answered before both scripts were sent: what waited for an answer in between would wait for ever. */
  async function expectOneRoundTrip(step: () => Promise<unknown>): Promise<void> {
    proxy.withholdUntil(2);
    await step();
    expect(proxy.commands.slice(0, 2)).toEqual(['evalsha', 'evalsha']);
  }

  test('is looked at with one script', async () => {
    proxy.withholdUntil(1);
    await tested.store.look(loginOf());
    expect(proxy.commands).toEqual(['evalsha']);
  });

  test('is counted with two scripts in one round trip', async () => {
    await expectOneRoundTrip(() => tested.store.countFailure(loginOf()));
    expect(proxy.commands.length).toBe(2);
  });

  test('is noted with two scripts in one round trip', async () => {
    const login = loginOf();
    await expectOneRoundTrip(() => tested.store.noteAccepted(login, { pairMembers: [login.credential] }));
    expect(proxy.commands.length).toBe(2);
  });

  test('waits for no more where it led to a block, which is listed behind it', async () => {
    await tested.store.countFailure(loginOf({ account: 'bob@att.net', password: 'one' }));
    await expectOneRoundTrip(() => tested.store.countFailure(loginOf({ account: 'bob@att.net', password: 'two' })));
    expect((await tested.store.listBlocks()).map(({ subject }) => subject)).toEqual(['bob@att.net']);
  });

  test('leads to sessions that are told of with one script for many accounts', async () => {
    const live = ['a', 'b', 'c'].map((name) => ({ account: `${name}@att.net`, sessionId: `1-${name}` }));
    const ended = [{ account: 'a@att.net', sessionId: '1-d' }];
    proxy.withholdUntil(1);
    await tested.store.noteSessions({ live, ended });
    expect(proxy.commands[0]).toBe('evalsha');
    expect(proxy.commands.filter((name) => name === 'evalsha').length).toBe(1);
  });

  test('of an exempt address is counted nowhere but with the account', async () => {
    proxy.withholdUntil(1);
    await tested.store.countFailure(loginOf({ isExempt: true }));
    expect(proxy.commands).toEqual(['evalsha']);
  });
});

/** Makes a node that runs alone a whole Cluster. */
async function takeAllSlots(server: RedisServer): Promise<void> {
  const client = new Redis(server.url);
  try {
    await client.call('CLUSTER', 'ADDSLOTSRANGE', 0, slotCount - 1);
    await vi.waitUntil(async () => (await client.cluster('INFO')).includes('cluster_state:ok'), patience);
  } finally {
    client.disconnect();
  }
}

describe.skipIf(program('redis-server') === undefined)('a login at RedisStore behind one address of a Cluster', () => {
  test('is looked at with two scripts in one round trip, after the one script was refused', async () => {
    await using server = await startRedis({ args: ['--cluster-enabled', 'yes'] });
    await takeAllSlots(server);
    await using proxy = await startWithholdingProxy(server.port);
    const limits = limitsOf({ perAccount: { threshold: 2 }, perAddress: { threshold: 2 } });
    await using tested = openStore({ url: proxy.url, limits });
    const login = loginOf({ account: 'carol@att.net', password: 'one' });

    await tested.store.countFailure(login);
    expect(await tested.store.look(login)).toMatchObject({ addressFailures: 1, pairMembers: [login.credential] });
    expect(proxy.commands.filter((name) => name === 'evalsha').length).toBeGreaterThan(2);

    proxy.withholdUntil(2);
    expect(await tested.store.look(login)).toMatchObject({ addressFailures: 1, pairMembers: [login.credential] });
    expect(proxy.commands).toEqual(['evalsha', 'evalsha']);
  });

  test('leads to sessions that are told of by account', async () => {
    await using server = await startRedis({ args: ['--cluster-enabled', 'yes'] });
    await takeAllSlots(server);
    await using tested = openStore({ url: server.url });
    const live = ['a', 'b', 'c'].map((name) => ({ account: `${name}@att.net`, sessionId: `1-${name}` }));
    await tested.store.noteSessions({ live, ended: [] });
    await tested.store.noteSessions({ live: [], ended: live.slice(0, 1) });
    const facts = await Promise.all(live.map(({ account }) => tested.store.describeAccount(account)));
    expect(facts.map(({ liveSessions }) => liveSessions)).toEqual([0, 1, 1]);
  });
});
