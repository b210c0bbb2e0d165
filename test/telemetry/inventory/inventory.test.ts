import { afterAll, describe, expect, test } from 'vitest';
import { readNetworkFilter } from '../../../src/policy/network-filter.ts';
import type { InventoryBounds, InventoryQuery } from '../../../src/telemetry/inventory/inventory.ts';
import { program } from '../../support/programs.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';
import { events } from '../events.ts';
import { dayMs, encrypted, inTheClear, listAccounts, openInventory } from './fixtures.ts';

const redis: RedisServer | undefined = program('redis-server') === undefined ? undefined : await startRedis();
afterAll(() => redis?.[Symbol.asyncDispose]());

describe.for(['memory', 'redis'] as const)('an inventory in %s', (kind) => {
  const it = test.skipIf(kind === 'redis' && redis === undefined);
  const open = (bounds: Partial<InventoryBounds> = {}) =>
    openInventory({ ...bounds, ...(kind === 'redis' && { url: redis?.url }) });

  it('counts the logins of one client, from the first to the last, with the TLS of the last', async () => {
    await using tested = open();
    const startMs = tested.nowMs - dayMs;
    tested.nowMs = startMs;
    tested.inventory.record(encrypted({ clientTls: { version: 'TLSv1.2', cipher: 'old', isResumed: false } }));
    await listAccounts(tested);
    tested.nowMs = startMs + 5_000;
    tested.inventory.record(encrypted());
    tested.inventory.record(encrypted());
    expect(await tested.inventory.list({ limit: 10 })).toEqual({
      entries: [
        {
          account: 'user@att.net',
          network: '192.0.2.7',
          listener: 'lan',
          transport: 'stls',
          tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
          firstSeenMs: startMs,
          lastSeenMs: startMs + 5_000,
          logins: 3,
        },
      ],
    });
  });

  it('keeps a client that moved from plaintext to TLS under both', async () => {
    await using tested = open();
    const startMs = tested.nowMs - dayMs;
    tested.nowMs = startMs;
    tested.inventory.record(inTheClear());
    tested.nowMs = startMs + 1_000;
    tested.inventory.record(encrypted());
    const { entries } = await tested.inventory.list({ limit: 10 });
    expect(entries).toMatchObject([
      { transport: 'plaintext', lastSeenMs: startMs, logins: 1 },
      { transport: 'stls', lastSeenMs: startMs + 1_000, logins: 1 },
    ]);
    expect(entries[0]).not.toHaveProperty('tls');
  });

  it('holds accepted logins alone', async () => {
    await using tested = open();
    for (const event of [events.opened(), events.untrusted(), inTheClear({ result: 'refused' }), events.closed()]) {
      tested.inventory.record(event);
    }
    expect(await tested.inventory.list({ limit: 10 })).toEqual({ entries: [] });
  });

  it('keeps accounts, networks and listeners apart', async () => {
    await using tested = open();
    for (const change of [{}, { account: 'b@att.net' }, { address: '192.0.2.8' }, { listener: 'wan' }]) {
      tested.inventory.record(encrypted(change));
    }
    expect(await listAccounts(tested)).toEqual(['b@att.net', 'user@att.net', 'user@att.net', 'user@att.net']);
  });

  it.each<[Partial<InventoryQuery> & { network?: string; sinceDays?: number }, string[]]>([
    [{ account: 'a@att.net' }, ['a@att.net']],
    [{ account: 'a@att' }, []],
    [{ account: 'c "quoted"@att.net' }, ['c "quoted"@att.net']],
    [{ listener: 'wan' }, ['b@att.net']],
    [{ transport: 'implicit' }, ['b@att.net']],
    [{ isEncrypted: false }, ['a@att.net']],
    [{ isEncrypted: true }, ['b@att.net', 'c "quoted"@att.net']],
    [{ network: '198.51.100.0/24' }, ['b@att.net']],
    [{ network: '2001:db8::/32', isEncrypted: false }, []],
    [{ sinceDays: 1 }, ['b@att.net', 'c "quoted"@att.net']],
  ])('finds by %j', async ({ network, sinceDays, ...query }, expected) => {
    await using tested = open();
    const now = tested.nowMs;
    tested.nowMs = now - 2 * dayMs;
    tested.inventory.record(inTheClear({ account: 'a@att.net' }));
    tested.nowMs = now;
    tested.inventory.record(
      encrypted({ account: 'b@att.net', address: '198.51.100.9', listener: 'wan', transport: 'implicit' }),
    );
    tested.inventory.record(encrypted({ account: 'c "quoted"@att.net', address: '2001:db8::9' }));
    const filter = network === undefined ? undefined : readNetworkFilter(network);
    const found = await listAccounts(tested, {
      ...query,
      ...(filter && { networks: [filter] }),
      ...(sinceDays && { sinceMs: now - sinceDays * dayMs }),
    });
    expect(found).toEqual(expected);
  });

  it('lists each entry once, in order, on pages of any size, whatever is seen meanwhile', async () => {
    await using tested = open();
    const accounts = Array.from({ length: 25 }, (_, index) => `user${String(index).padStart(2, '0')}@att.net`);
    for (const account of accounts.toReversed()) tested.inventory.record(encrypted({ account }));
    for (const limit of [1, 7, 24, 25, 26]) {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await tested.inventory.list({ limit, ...(cursor === undefined ? {} : { cursor }) });
        expect(page.entries.length).toBeLessThanOrEqual(limit);
        seen.push(...page.entries.map(({ account }) => account));
        tested.inventory.record(encrypted({ account: accounts[seen.length % accounts.length] ?? '' }));
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      expect(seen, `pages of ${limit}`).toEqual(accounts);
    }
  });

  it('forgets who was last seen the longest ago where there are too many', async () => {
    await using tested = open({ maxEntries: 2 });
    const now = tested.nowMs;
    for (const [index, account] of ['a', 'b', 'a', 'c'].entries()) {
      tested.nowMs = now - 10_000 + index;
      tested.inventory.record(encrypted({ account }));
    }
    expect(await listAccounts(tested)).toEqual(['a', 'c']);
  });

  it('forgets who was not seen for as long as it remembers', async () => {
    await using tested = open({ retentionMs: 10 * dayMs });
    const now = tested.nowMs;
    tested.nowMs = now - 10 * dayMs - 1;
    tested.inventory.record(encrypted({ account: 'gone' }));
    tested.nowMs = now - 9 * dayMs;
    tested.inventory.record(encrypted({ account: 'here' }));
    tested.nowMs = now;
    expect(await listAccounts(tested)).toEqual(['here']);
    tested.nowMs = now + 2 * dayMs;
    expect(await listAccounts(tested)).toEqual([]);
  });

  it('starts somewhere with a cursor that it never gave out', async () => {
    await using tested = open();
    tested.inventory.record(encrypted());
    const { entries } = await tested.inventory.list({ limit: 10, cursor: 'AAAA' });
    expect(entries).toHaveLength(1);
  });
});
