import { describe, expect, it } from 'vitest';
import type { InventoryPage, InventoryQuery } from '../../../src/telemetry/inventory/inventory.ts';
import { browse } from './browsing.ts';

function entryOf(account: string) {
  return {
    account,
    network: '192.0.2.7',
    listener: 'lan',
    transport: 'plaintext',
    firstSeenMs: 0,
    lastSeenMs: 0,
    logins: 1,
  } as const;
}

/** A browser at an inventory of two pages, and what it was asked for. */
async function browseInventory(second: () => Promise<InventoryPage>) {
  const asked: InventoryQuery[] = [];
  const list = (query: InventoryQuery): Promise<InventoryPage> => {
    asked.push(query);
    return query.cursor === undefined ? Promise.resolve({ entries: [entryOf('a@b')], nextCursor: 'next' }) : second();
  };
  const { get, signIn } = browse({ inventory: { list } });
  await signIn('viewer');
  return { get, asked };
}

describe('the inventory as CSV', () => {
  it('has all pages under one line of titles, filtered as the page is', async () => {
    const { get, asked } = await browseInventory(async () => ({ entries: [entryOf('=c@d')] }));
    const answer = await get('/ui/encryption/inventory.csv?show=unencrypted&account=A@b');
    expect(answer.headers.get('Content-Disposition')).toBe('attachment; filename="inventory.csv"');
    const lines = (await answer.text()).split('\r\n');
    expect(lines.map((line) => line.split(',')[0])).toEqual(['"account"', '"a@b"', '"\'=c@d"', '']);
    expect(asked).toMatchObject([
      { account: 'a@b', isEncrypted: false },
      { account: 'a@b', isEncrypted: false, cursor: 'next' },
    ]);
  });

  it('breaks off with the store, so that a part is not taken for all', async () => {
    const { get } = await browseInventory(() => Promise.reject(new Error('down')));
    await expect((await get('/ui/encryption/inventory.csv')).text()).rejects.toThrow('down');
  });

  it('is not there where it is turned off', async () => {
    const { get, signIn } = browse();
    await signIn();
    expect((await get('/ui/encryption/inventory.csv')).status).toBe(404);
    expect((await get('/ui/encryption')).status).toBe(404);
  });
});
