import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

  test('is looked at with two scripts in one round trip', async () => {
    await expectOneRoundTrip(() => tested.store.look(loginOf()));
    expect(proxy.commands.length).toBe(2);
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

  test('of an exempt address is counted nowhere but with the account', async () => {
    proxy.withholdUntil(1);
    await tested.store.countFailure(loginOf({ isExempt: true }));
    expect(proxy.commands).toEqual(['evalsha']);
  });
});
