import { afterAll, describe, expect, test } from 'vitest';
import type { LoginAttempt } from '../../src/proxy/ports.ts';
import {
  attemptOf,
  guess,
  hourMs,
  type LimitsUnderTest,
  limitsOf,
  logIn,
  openGuard,
  recordEvents,
  upstream,
  verdictOn,
} from './fixtures.ts';
import { openGuardPlaces } from './guard-under-test.ts';

const places = await openGuardPlaces();
afterAll(() => places[Symbol.asyncDispose]());
const { create } = places;

describe.for(['memory', 'redis'] as const)('a guard with its limits in %s', (kind) => {
  const it = test.skipIf(kind === 'redis' && !places.hasRedis);

  it('says where its limits are', async () => {
    await using tested = create(kind, {});
    await logIn(tested.guard, { outcome: 'accepted' });
    expect(tested.guard.store).toEqual({ kind, isUp: true });
  });

  it('blocks after as many refused passwords as the limit says, not before, and says for how long', async () => {
    await using tested = create(kind, { perAddress: { threshold: 3, blockMs: 60_000 } });
    await guess(tested.guard, { times: 2 });
    expect(await verdictOn(tested.guard)).toBe('allowed');
    await guess(tested.guard, { times: 1, first: 3 });
    const verdict = await tested.guard.admit(attemptOf());
    expect(verdict).toMatchObject({
      kind: 'refused',
      reason: 'limit',
      limit: 'perAddress',
      reply: expect.stringMatching(/^\[SYS\/TEMP\] .* in (?:60|59|58|57|56|55) seconds$/),
    });
    expect(verdict.kind === 'refused' && verdict.retryAfterMs).toBeGreaterThan(50_000);
    expect(verdict.kind === 'refused' && verdict.retryAfterMs).toBeLessThanOrEqual(60_000);
  });

  it('reports the block once, and each login it stops', async () => {
    await using tested = create(kind, { perAccount: { threshold: 1, blockMs: 60_000 } });
    await guess(tested.guard, { times: 1 });
    await verdictOn(tested.guard);
    await verdictOn(tested.guard);
    const reported = tested.events.filter((event) => event.kind !== 'storeChanged');
    const limited = {
      kind: 'loginLimited',
      limit: 'perAccount',
      subject: 'alice@att.net',
      retryAfterMs: expect.any(Number),
    };
    expect(reported).toEqual([
      { kind: 'loginBlocked', limit: 'perAccount', subject: 'alice@att.net', durationMs: 60_000 },
      limited,
      limited,
    ]);
  });

  it.each<[limit: keyof LimitsUnderTest, stopped: readonly string[]]>([
    ['perAddress', ['same address']],
    ['perNetwork', ['same address', 'same network']],
    ['perAccount', ['same account']],
    ['perAddressAndAccount', []],
    ['accountsPerNetwork', ['same address', 'same network']],
    ['passwordsPerAccount', ['same account']],
  ])('%s stops only what it counts', async (limit, stopped) => {
    await using tested = create(kind, { [limit]: { threshold: 1 } });
    await guess(tested.guard, { times: 1 });
    expect(await verdictOn(tested.guard)).toBe(`limit ${limit}`);
    const others: Record<string, Partial<LoginAttempt>> = {
      'same address': { account: 'bob@att.net' },
      'same network': { account: 'bob@att.net', address: '192.0.2.99' },
      'same account': { address: '198.51.100.7' },
      'nothing in common': { account: 'bob@att.net', address: '198.51.100.7' },
    };
    const refused: string[] = [];
    for (const [name, other] of Object.entries(others)) {
      if ((await verdictOn(tested.guard, other)) !== 'allowed') refused.push(name);
    }
    expect(refused).toEqual(stopped);
  });

  it('counts accounts, not guesses, to find password spraying', async () => {
    await using tested = create(kind, { accountsPerNetwork: { threshold: 3 } });
    await guess(tested.guard, { times: 5 });
    await guess(tested.guard, { times: 5, account: 'bob@att.net', address: '192.0.2.8' });
    expect(await verdictOn(tested.guard, { account: 'carol@att.net' })).toBe('allowed');
    await guess(tested.guard, { times: 1, account: 'carol@att.net', address: '192.0.2.9' });
    expect(await verdictOn(tested.guard, { account: 'dave@att.net' })).toBe('limit accountsPerNetwork');
  });

  it('sends a password that was refused upstream no second time, and counts it no second time', async () => {
    await using tested = create(kind, { perAccount: { threshold: 2 } });
    const stale = { password: 'changed since', address: '192.0.2.7' };
    await logIn(tested.guard, { ...stale, outcome: 'refused' });
    for (let times = 0; times < 20; times += 1) {
      expect(await logIn(tested.guard, { ...stale, outcome: 'refused' })).toMatchObject({
        reason: 'remembered',
        reply: expect.stringMatching(/^\[AUTH\] /),
      });
    }
    expect(await verdictOn(tested.guard)).toBe('allowed');
  });

  it('tries a refused password again after a success with another one', async () => {
    await using tested = create(kind, {});
    await logIn(tested.guard, { password: 'new', outcome: 'refused' });
    await logIn(tested.guard, { password: 'old', address: '198.51.100.7', outcome: 'accepted' });
    expect(await verdictOn(tested.guard, { password: 'new' })).toBe('allowed');
  });

  it('goes on refusing a stale device while its owner logs in with a password that held before', async () => {
    await using tested = create(kind, {});
    const owner = { password: 'right', address: '198.51.100.7', outcome: 'accepted' } as const;
    await logIn(tested.guard, owner);
    await logIn(tested.guard, { password: 'stale', outcome: 'refused' });
    await logIn(tested.guard, owner);
    expect(await verdictOn(tested.guard, { password: 'stale' })).toBe('remembered');
  });

  it('tries a password that was changed back once the other one is refused', async () => {
    await using tested = create(kind, {});
    await logIn(tested.guard, { password: 'first', outcome: 'accepted' });
    await logIn(tested.guard, { password: 'second', outcome: 'accepted' });
    await logIn(tested.guard, { password: 'first', outcome: 'refused' });
    expect(await verdictOn(tested.guard, { password: 'first' })).toBe('remembered');
    await logIn(tested.guard, { password: 'second', outcome: 'refused' });
    expect(await verdictOn(tested.guard, { password: 'first' })).toBe('allowed');
    expect(await verdictOn(tested.guard, { password: 'second' })).toBe('remembered');
  });

  it('remembers no refused passwords where that is turned off', async () => {
    await using tested = create(kind, { refusedPasswordsMs: 0 });
    await logIn(tested.guard, { password: 'stale', outcome: 'refused' });
    expect(await verdictOn(tested.guard, { password: 'stale' })).toBe('allowed');
  });

  it('lets an owner in whatever others do to the account, the address and the network', async () => {
    await using tested = create(kind, {
      perAddress: { threshold: 1 },
      perNetwork: { threshold: 1 },
      perAccount: { threshold: 1 },
      accountsPerNetwork: { threshold: 1 },
      passwordsPerAccount: { threshold: 1 },
    });
    await logIn(tested.guard, { outcome: 'accepted' });
    await guess(tested.guard, { times: 1, address: '198.51.100.7' });
    await guess(tested.guard, { times: 1, account: 'bob@att.net' });
    expect(await verdictOn(tested.guard)).toBe('allowed');
    expect(await verdictOn(tested.guard, { address: '203.0.113.7' })).toBe('limit perAccount');
    expect(await verdictOn(tested.guard, { account: 'carol@att.net' })).toMatch(/^limit /);
  });

  it("stops an owner for the owner's own failures", async () => {
    await using tested = create(kind, { perAddressAndAccount: { threshold: 3 } });
    await logIn(tested.guard, { outcome: 'accepted' });
    await guess(tested.guard, { times: 3 });
    expect(await verdictOn(tested.guard)).toBe('limit perAddressAndAccount');
  });

  it('forgets everywhere what a pair failed once it logs in', async () => {
    await using tested = create(kind, { perAddress: { threshold: 3 }, perAccount: { threshold: 3 } });
    await guess(tested.guard, { times: 2 });
    await logIn(tested.guard, { outcome: 'accepted' });
    await guess(tested.guard, { times: 2, first: 3 });
    expect(await verdictOn(tested.guard, { address: '198.51.100.7' })).toBe('allowed');
    expect(await verdictOn(tested.guard, { account: 'bob@att.net' })).toBe('allowed');
    await guess(tested.guard, { times: 1, first: 5 });
    expect(await verdictOn(tested.guard, { address: '198.51.100.7' })).toBe('limit perAccount');
  });

  it('tells the block that lasts longest', async () => {
    await using tested = create(kind, {
      perAddress: { threshold: 1, blockMs: 60_000 },
      perAccount: { threshold: 1, blockMs: 300_000 },
      perAddressAndAccount: { threshold: 1, blockMs: 120_000 },
    });
    await guess(tested.guard, { times: 1 });
    expect(await verdictOn(tested.guard)).toBe('limit perAccount');
  });

  it('neither counts nor stops an exempt address, and keeps its stale passwords back all the same', async () => {
    const exempt = { includes: (address: string) => address === '192.0.2.7', blocks: [] };
    await using tested = create(kind, { perAddress: { threshold: 1 }, perAccount: { threshold: 1 }, exempt });
    await guess(tested.guard, { times: 3 });
    expect(await verdictOn(tested.guard, { address: '198.51.100.7' })).toBe('allowed');
    await guess(tested.guard, { times: 1, first: 4, address: '198.51.100.7' });
    expect(await verdictOn(tested.guard, { address: '198.51.100.8' })).toBe('limit perAccount');
    expect(await verdictOn(tested.guard)).toBe('allowed');
    expect(await verdictOn(tested.guard, { password: 'guess 1' })).toBe('remembered');
  });

  it('counts a /64 of IPv6 as one address, and the /48 around it as its network', async () => {
    await using tested = create(kind, { perAddress: { threshold: 2 }, perNetwork: { threshold: 3 } });
    await guess(tested.guard, { times: 1, address: '2001:db8:1:2::7' });
    await guess(tested.guard, { times: 1, account: 'bob@att.net', address: '2001:db8:1:2:ffff::8' });
    expect(await verdictOn(tested.guard, { account: 'carol@att.net', address: '2001:db8:1:2::9' })).toMatch(/^limit/);
    expect(await verdictOn(tested.guard, { address: '2001:db8:1:3::9' })).toBe('allowed');
    await guess(tested.guard, { times: 1, account: 'carol@att.net', address: '2001:db8:1:3::9' });
    expect(await verdictOn(tested.guard, { address: '2001:db8:1:4::9' })).toBe('limit perNetwork');
    const subjects = (await tested.guard.listBlocks()).map(({ subject }) => subject);
    expect(subjects.toSorted()).toEqual(['2001:db8:1:2::/64', '2001:db8:1::/48']);
  });

  it("answers a login that comes before its provider's pace with LOGIN-DELAY, and only the next one", async () => {
    await using tested = create(kind, {});
    const paced = { upstream: { ...upstream, minPollIntervalMs: hourMs } };
    await logIn(tested.guard, { ...paced, outcome: 'accepted' });
    expect(await tested.guard.admit(attemptOf(paced))).toMatchObject({
      reason: 'pace',
      delayMs: 0,
      reply: expect.stringMatching(/^\[LOGIN-DELAY\] .* in 60 minutes$/),
    });
    expect(await verdictOn(tested.guard)).toBe('allowed');
  });

  it('lists and counts the blocks in force, the longest first', async () => {
    await using tested = create(kind, {
      perAddress: { threshold: 2, blockMs: 60_000 },
      perAccount: { threshold: 1, blockMs: 300_000 },
    });
    await guess(tested.guard, { times: 1 });
    await guess(tested.guard, { times: 1, account: 'bob@att.net' });
    const blocks = await tested.guard.listBlocks();
    expect(blocks.map(({ limit, subject }) => `${limit} ${subject}`).toSorted()).toEqual([
      'perAccount alice@att.net',
      'perAccount bob@att.net',
      'perAddress 192.0.2.7',
    ]);
    expect(blocks.at(-1)?.limit).toBe('perAddress');
    for (const { limit, untilMs = 0, effect, origin, strikes } of blocks) {
      const durationMs = limit === 'perAddress' ? 60_000 : 300_000;
      expect(Math.abs(untilMs - Date.now() - durationMs)).toBeLessThan(10_000);
      expect({ effect, origin, strikes }).toEqual({ effect: 'block', origin: 'automatic', strikes: 1 });
    }
    expect(await tested.guard.countBlocks()).toMatchObject({ perAddress: 1, perAccount: 2, perAddressAndAccount: 0 });
  });

  it('lifts a block, reports who asked, and forgets what was counted', async () => {
    await using tested = create(kind, { perAccount: { threshold: 2, blockMs: 60_000 } });
    await guess(tested.guard, { times: 2 });
    const [block] = await tested.guard.listBlocks();
    expect(await tested.guard.liftBlock(block?.id ?? '', 'ops')).toBe(true);
    const lifted = { kind: 'blockLifted', limit: 'perAccount', subject: 'alice@att.net', by: 'ops' };
    expect(tested.events).toContainEqual(lifted);
    await guess(tested.guard, { times: 1, first: 3 });
    expect(await verdictOn(tested.guard)).toBe('allowed');
    await guess(tested.guard, { times: 1, first: 4 });
    expect((await tested.guard.listBlocks())[0]?.strikes).toBe(1);
    expect(await tested.guard.liftBlock('perAccount.Ym9i', 'ops')).toBe(false);
    expect(await tested.guard.liftBlock('nonsense', 'ops')).toBe(false);
  });

  it('refuses an address at accept once its block is known, unless an owner is there', async () => {
    await using tested = create(kind, { perAddress: { threshold: 1, blockMs: 60_000 } });
    await guess(tested.guard, { times: 1 });
    expect(tested.guard.refusesAddress('192.0.2.7')).toMatchObject({ limit: 'perAddress' });
    expect(tested.guard.refusesAddress('192.0.2.8')).toBeUndefined();
    await logIn(tested.guard, { address: '192.0.2.8', outcome: 'accepted' });
    await guess(tested.guard, { times: 1, address: '192.0.2.8', account: 'bob@att.net' });
    expect(tested.guard.refusesAddress('192.0.2.8')).toBeUndefined();
    expect(await verdictOn(tested.guard, { address: '192.0.2.8', account: 'bob@att.net' })).toBe('limit perAddress');
  });

  it('lets no name an operator blocked log in, and lets one that is allowed past limits and memory', async () => {
    await using tested = create(kind, { perAccount: { threshold: 1 } });
    const block = { effect: 'block', target: { account: 'bob@att.net' }, reason: 'left the company' } as const;
    const { id } = await tested.guard.addEntry(block, 'ops');
    expect(await tested.guard.admit(attemptOf({ account: 'bob@att.net' }))).toMatchObject({
      reason: 'manual',
      reply: expect.stringMatching(/^\[SYS\/PERM\] /),
    });
    expect(await tested.guard.liftBlock(id, 'ops')).toBe(true);
    expect(await verdictOn(tested.guard, { account: 'bob@att.net' })).toBe('allowed');

    await guess(tested.guard, { times: 1 });
    await tested.guard.addEntry({ effect: 'allow', target: { account: 'alice@att.net' }, reason: 'set up' }, 'ops');
    expect(await verdictOn(tested.guard)).toBe('allowed');
    expect(await verdictOn(tested.guard, { password: 'guess 1' })).toBe('allowed');
    expect(tested.guard.refusesAddress('192.0.2.7')).toBeUndefined();
    await tested.guard.addEntry({ effect: 'block', target: { network: '192.0.2.0/24' }, reason: 'scans' }, 'ops');
    expect(tested.guard.refusesAddress('192.0.2.7')).toEqual({});
    expect(await verdictOn(tested.guard)).toBe('manual');
  });

  it('tells what it knows of an account', async () => {
    await using tested = create(kind, { perAddressAndAccount: { threshold: 1 } });
    await logIn(tested.guard, { outcome: 'accepted' });
    await guess(tested.guard, { times: 1, address: '198.51.100.7' });
    tested.guard.openSession({ account: 'alice@att.net', sessionId: 'here-1' });
    const view = await tested.guard.describeAccount('alice@att.net');
    expect(view).toMatchObject({
      knownAddresses: [{ address: '192.0.2.7' }],
      blocks: [{ limit: 'perAddressAndAccount', subject: 'alice@att.net from 198.51.100.7' }],
      counts: { perAccount: 1 },
      liveSessions: 1,
      entries: [],
      local: false,
    });
    expect(view.refusedUntilMs).toHaveLength(1);
  });
});

describe('an operator who spells an account in another way', () => {
  test('blocks it all the same, and reads what is known of it', async () => {
    const { report } = recordEvents();
    await using guard = openGuard({
      limits: limitsOf({}),
      report,
      countedAs: (account) => account.replace('al.ice', 'alice'),
    });
    await guess(guard, { times: 2 });
    expect((await guard.describeAccount('al.ice@att.net')).counts).toMatchObject({ perAccount: 2 });
    const target = { account: 'al.ice@att.net' };
    const { subject } = await guard.addEntry({ effect: 'block', target, reason: 'left the company' }, 'ops');
    expect(subject).toBe('alice@att.net');
    expect(await verdictOn(guard, { account: 'alice@att.net', shownAccount: 'a.lice@att.net' })).toBe('manual');
    await guard.addEntry({ effect: 'allow', target: { account: '*@att.net' }, reason: 'ours' }, 'ops');
    expect((await guard.describeAccount('al.ice@att.net')).entries.map((entry) => entry.subject)).toEqual([
      'alice@att.net',
      '*@att.net',
    ]);
  });
});

describe('live sessions', () => {
  test.each([
    ['as many sessions as the limit says', { sessionsPerAccount: 2 }, {}],
    ['one session, where the upstream takes one', {}, { upstream: { ...upstream, isSingleSession: true } }],
  ])('let no other one in beyond %s', async (_, tested, attempt) => {
    await using under = create('memory', tested);
    const sessions = ['here-1', 'here-2'].map((sessionId) => ({ account: 'Alice@att.net', sessionId }));
    for (const session of sessions) under.guard.openSession(session);
    expect(await under.guard.admit(attemptOf(attempt))).toMatchObject({
      reason: 'in_use',
      delayMs: 0,
      reply: expect.stringMatching(/^\[IN-USE\] /),
    });
    for (const session of sessions) under.guard.closeSession(session);
    expect(await verdictOn(under.guard, attempt)).toBe('allowed');
  });
});

describe('replies to failures', () => {
  test('are held back twice as long each time, up to the longest, and never to an exempt address', async () => {
    const exempt = { includes: (address: string) => address === '198.51.100.7', blocks: [] };
    const replyDelay = { firstMs: 500, maxMs: 3_000, sockets: 10 };
    await using tested = create('memory', { replyDelay, exempt });
    const delays: number[] = [];
    for (let index = 0; index < 5; index += 1) {
      const attempt = attemptOf({ password: `guess ${index}`, account: `user${index}@att.net` });
      await tested.guard.admit(attempt);
      delays.push((await tested.guard.settle(attempt, 'refused')).delayMs);
      tested.guard.release(attempt);
    }
    expect(delays).toEqual([500, 1_000, 2_000, 3_000, 3_000]);
    const attempt = attemptOf({ address: '198.51.100.7' });
    await tested.guard.admit(attempt);
    expect(await tested.guard.settle(attempt, 'refused')).toEqual({ delayMs: 0 });
  });
});
