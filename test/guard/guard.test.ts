import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import type { LoginGuard } from '../../src/guard/guard.ts';
import type { GateEvent } from '../../src/proxy/events.ts';
import type { LoginSubject } from '../../src/proxy/ports.ts';
import { program } from '../support/programs.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { alice, bob, type LimitsUnderTest, limitsOf, openGuard, recordEvents, refuse } from './fixtures.ts';

interface GuardUnderTest extends AsyncDisposable {
  readonly guard: LoginGuard;
  readonly events: GateEvent[];
}

const redis: RedisServer | undefined = program('redis-server') === undefined ? undefined : await startRedis();
afterAll(() => redis?.[Symbol.asyncDispose]());

function create(kind: 'memory' | 'redis', tested: LimitsUnderTest): GuardUnderTest {
  const { events, report } = recordEvents();
  const store =
    kind === 'redis' && redis !== undefined ? { redis: { url: redis.url, keyPrefix: `${randomUUID()}:` } } : {};
  const guard = openGuard({ limits: limitsOf(tested), report, ...store });
  return { guard, events, [Symbol.asyncDispose]: () => guard[Symbol.asyncDispose]() };
}

describe.for(['memory', 'redis'] as const)('a guard with its limits in %s', (kind) => {
  const it = test.skipIf(kind === 'redis' && redis === undefined);

  it('says where its limits are', async () => {
    await using tested = create(kind, {});
    await tested.guard.admit(alice);
    expect(tested.guard.store).toEqual({ kind, isUp: true });
  });

  it('blocks after as many refused logins as the limit says, not before', async () => {
    await using tested = create(kind, { perAddress: { failures: 3 } });
    await refuse(tested.guard, { ...alice, times: 2 });
    expect(await tested.guard.admit(alice)).toEqual({ kind: 'allowed' });
    await refuse(tested.guard, { ...alice, times: 1 });
    const verdict = await tested.guard.admit(alice);
    expect(verdict).toMatchObject({ kind: 'blocked', limit: 'perAddress' });
    expect(verdict.kind === 'blocked' && verdict.retryAfterMs).toBeGreaterThan(55_000);
    expect(verdict.kind === 'blocked' && verdict.retryAfterMs).toBeLessThanOrEqual(60_000);
  });

  it('reports the block once, and each login it stops', async () => {
    await using tested = create(kind, { perAccount: { failures: 1, blockMs: 60_000 } });
    await tested.guard.settle(alice, 'refused');
    await tested.guard.admit(alice);
    await tested.guard.admit(alice);
    const reported = tested.events.filter((event) => event.kind !== 'storeChanged');
    expect(reported).toEqual([
      { kind: 'loginBlocked', limit: 'perAccount', subject: 'alice@att.net', durationMs: 60_000 },
      { kind: 'loginLimited', limit: 'perAccount', subject: 'alice@att.net', retryAfterMs: expect.any(Number) },
      { kind: 'loginLimited', limit: 'perAccount', subject: 'alice@att.net', retryAfterMs: expect.any(Number) },
    ]);
  });

  it.each([
    { limit: 'perAddress', sameAddress: 'blocked', sameAccount: 'allowed' },
    { limit: 'perAccount', sameAddress: 'allowed', sameAccount: 'blocked' },
    { limit: 'perAddressAndAccount', sameAddress: 'allowed', sameAccount: 'allowed' },
  ])('$limit stops only what it counts', async ({ limit, sameAddress, sameAccount }) => {
    await using tested = create(kind, { [limit]: { failures: 1 } });
    await tested.guard.settle(alice, 'refused');
    expect((await tested.guard.admit(alice)).kind).toBe('blocked');
    const verdictOn = async (subject: LoginSubject): Promise<string> => {
      const { kind: verdict } = await tested.guard.admit(subject);
      tested.guard.release(subject);
      return verdict;
    };
    expect(await verdictOn({ ...bob, address: alice.address })).toBe(sameAddress);
    expect(await verdictOn({ ...bob, account: alice.account })).toBe(sameAccount);
    expect(await verdictOn(bob)).toBe('allowed');
  });

  it.each([
    ['perAccount', (index: number) => `192.0.2.${index}`],
    ['perAddressAndAccount', () => alice.address],
  ] as const)('%s lets no more guesses be under way than may fail', async (limit, addressOf) => {
    await using tested = create(kind, { [limit]: { failures: 3 } });
    const guesses = Array.from({ length: 50 }, (_, index) => ({ ...alice, address: addressOf(index) }));
    const verdicts = await Promise.all(guesses.map((guess) => tested.guard.admit(guess)));
    expect(verdicts.filter((verdict) => verdict.kind === 'allowed')).toHaveLength(3);
    expect(verdicts.at(-1)).toEqual({ kind: 'busy', limit });
    expect((await tested.guard.admit({ ...bob, account: 'carol@att.net' })).kind).toBe('allowed');
    for (const guess of guesses) tested.guard.release(guess);
    expect((await tested.guard.admit({ ...alice })).kind).toBe('allowed');
  });

  it('tells the block that lasts longest', async () => {
    await using tested = create(kind, {
      perAddress: { failures: 1, blockMs: 60_000 },
      perAccount: { failures: 1, blockMs: 300_000 },
      perAddressAndAccount: { failures: 1, blockMs: 120_000 },
    });
    await tested.guard.settle(alice, 'refused');
    expect(await tested.guard.admit(alice)).toMatchObject({ kind: 'blocked', limit: 'perAccount' });
  });

  it('forgets the failures of a pair when it logs in, and no others', async () => {
    await using tested = create(kind, { perAccount: { failures: 4 }, perAddressAndAccount: { failures: 3 } });
    await refuse(tested.guard, { ...alice, times: 2 });
    await tested.guard.settle(alice, 'accepted');
    await refuse(tested.guard, { ...alice, times: 1 });
    expect(await tested.guard.admit(alice)).toEqual({ kind: 'allowed' });
    await refuse(tested.guard, { ...alice, times: 1 });
    expect(await tested.guard.admit(alice)).toMatchObject({ kind: 'blocked', limit: 'perAccount' });
  });

  it('neither counts nor stops an exempt address', async () => {
    const exempt = { includes: (address: string) => address === alice.address, blocks: [] };
    await using tested = create(kind, { perAddress: { failures: 1 }, perAccount: { failures: 1 }, exempt });
    await refuse(tested.guard, { ...alice, times: 3 });
    expect(await tested.guard.admit({ ...bob, account: alice.account })).toEqual({ kind: 'allowed' });
    await refuse(tested.guard, { ...bob, account: alice.account, times: 1 });
    expect((await tested.guard.admit({ ...bob, account: alice.account })).kind).toBe('blocked');
    expect(await tested.guard.admit(alice)).toEqual({ kind: 'allowed' });
  });

  it('counts a /64 of IPv6 as one address', async () => {
    await using tested = create(kind, { perAddress: { failures: 2 } });
    await tested.guard.settle({ ...alice, address: '2001:db8:1:2::7' }, 'refused');
    await tested.guard.settle({ ...bob, address: '2001:db8:1:2:ffff::8' }, 'refused');
    expect((await tested.guard.admit({ ...bob, address: '2001:db8:1:2::9' })).kind).toBe('blocked');
    expect((await tested.guard.admit({ ...bob, address: '2001:db8:1:3::9' })).kind).toBe('allowed');
    expect((await tested.guard.listBlocks()).map(({ subject }) => subject)).toEqual(['2001:db8:1:2::/64']);
  });

  it('places one block, of the first length, for a burst of failures', async () => {
    await using tested = create(kind, { perAccount: { failures: 3, blockMs: 60_000 } });
    await Promise.all(Array.from({ length: 20 }, () => tested.guard.settle(alice, 'refused')));
    expect(tested.events.filter((event) => event.kind === 'loginBlocked')).toMatchObject([{ durationMs: 60_000 }]);
    expect((await tested.guard.admit(alice)).kind).toBe('blocked');
  });

  it('lists and counts the blocks in force, the longest first', async () => {
    await using tested = create(kind, {
      perAddress: { failures: 2, blockMs: 60_000 },
      perAccount: { failures: 1, blockMs: 300_000 },
    });
    await tested.guard.settle(alice, 'refused');
    await tested.guard.settle({ ...bob, address: alice.address }, 'refused');
    const blocks = await tested.guard.listBlocks();
    expect(blocks.map(({ limit, subject }) => `${limit} ${subject}`).toSorted()).toEqual([
      'perAccount alice@att.net',
      'perAccount bob@att.net',
      'perAddress 192.0.2.7',
    ]);
    expect(blocks.at(-1)?.limit).toBe('perAddress');
    for (const { limit, untilMs } of blocks) {
      const durationMs = limit === 'perAddress' ? 60_000 : 300_000;
      expect(Math.abs(untilMs - Date.now() - durationMs)).toBeLessThan(5_000);
    }
    expect(await tested.guard.countBlocks()).toEqual({ perAddress: 1, perAccount: 2, perAddressAndAccount: 0 });
  });

  it('lifts a block, reports who asked, and forgets that it was placed', async () => {
    await using tested = create(kind, { perAccount: { failures: 1, blockMs: 60_000 } });
    await tested.guard.settle(alice, 'refused');
    const [block] = await tested.guard.listBlocks();
    expect(await tested.guard.liftBlock(block?.id ?? '', 'ops')).toBe(true);
    expect(tested.events).toContainEqual({
      kind: 'blockLifted',
      limit: 'perAccount',
      subject: 'alice@att.net',
      by: 'ops',
    });
    expect(await tested.guard.admit(alice)).toEqual({ kind: 'allowed' });
    expect(await tested.guard.listBlocks()).toEqual([]);
    await tested.guard.settle(alice, 'refused');
    expect(tested.events.filter((event) => event.kind === 'loginBlocked').map((event) => event.durationMs)).toEqual([
      60_000, 60_000,
    ]);
  });

  it('has nothing to lift where there is no block', async () => {
    await using tested = create(kind, { perAccount: { failures: 2 } });
    await tested.guard.settle(alice, 'refused');
    expect(await tested.guard.liftBlock(`perAccount.${Buffer.from(alice.account).toString('base64url')}`, 'ops')).toBe(
      false,
    );
    expect(await tested.guard.liftBlock('no such id', 'ops')).toBe(false);
    await tested.guard.settle(alice, 'refused');
    expect((await tested.guard.admit(alice)).kind).toBe('blocked');
  });
});
