import { describe, expect, it } from 'vitest';
import { createAdminApp } from '../../src/admin/app.ts';
import type { AdminPorts } from '../../src/admin/ports.ts';
import type { GateEvent } from '../../src/proxy/events.ts';
import { MemoryInventory } from '../../src/telemetry/inventory/memory-inventory.ts';
import { encrypted, inTheClear } from '../telemetry/inventory/fixtures.ts';
import { fakePorts, viewerToken } from './ports.ts';

const nowMs = Date.parse('2026-11-23T12:00:00Z');

function appWith(events: readonly GateEvent[], change: Partial<AdminPorts> = {}) {
  const inventory = new MemoryInventory({ retentionMs: 1_000_000, maxEntries: 1_000 }, () => nowMs);
  for (const event of events) inventory.record(event);
  const { ports, errors } = fakePorts({ inventory, ...change });
  const app = createAdminApp(ports);
  const get = (path: string, headers: Record<string, string> = {}) =>
    app.request(path, { headers: { Authorization: `Bearer ${viewerToken}`, ...headers } });
  return { app, get, errors };
}

const clients = [
  inTheClear({ account: 'eudora@att.net' }),
  encrypted({ account: 'phone@att.net', address: '2001:db8::9', listener: 'wan', transport: 'implicit' }),
];

describe('GET /api/v1/inventory', () => {
  it('shows a viewer who logs in how, with times in ISO 8601', async () => {
    const response = await appWith(clients).get('/api/v1/inventory');
    expect(await response.json()).toEqual({
      entries: [
        {
          account: 'eudora@att.net',
          network: '192.0.2.7',
          listener: 'lan',
          transport: 'plaintext',
          tlsVersion: null,
          cipher: null,
          keyExchange: null,
          firstSeen: '2026-11-23T12:00:00.000Z',
          lastSeen: '2026-11-23T12:00:00.000Z',
          logins: 1,
        },
        expect.objectContaining({
          account: 'phone@att.net',
          network: '2001:db8::/64',
          tlsVersion: 'TLSv1.3',
          cipher: 'TLS_AES_256_GCM_SHA384',
        }),
      ],
      nextCursor: null,
    });
  });

  it('shows nothing without a token', async () => {
    expect((await appWith(clients).app.request('/api/v1/inventory')).status).toBe(401);
  });

  it.each([
    ['unencrypted=true', ['eudora@att.net']],
    ['unencrypted=false', ['phone@att.net']],
    ['account=Eudora%40ATT.net', ['eudora@att.net']],
    ['listener=wan', ['phone@att.net']],
    ['transport=implicit', ['phone@att.net']],
    ['address=192.0.2.7', ['eudora@att.net']],
    ['network=192.0.2.0/24', ['eudora@att.net']],
    ['network=192.0.2.0/24&address=192.0.2.8', []],
    ['since=2026-11-23', ['eudora@att.net', 'phone@att.net']],
    ['since=2026-11-23T13:00:01%2B01:00', []],
  ])('finds by %s', async (query, expected) => {
    const { entries } = await (await appWith(clients).get(`/api/v1/inventory?${query}`)).json();
    expect(entries.map(({ account }: { account: string }) => account)).toEqual(expected);
  });

  it('goes from page to page, by its cursor or by its link', async () => {
    const { get } = appWith(clients);
    const first = await get('/api/v1/inventory?limit=1&unencrypted=false');
    expect(first.headers.get('Link')).toBeNull();
    const all = await get('/api/v1/inventory?limit=1');
    const { nextCursor } = await all.json();
    const link = /^<(.*)>; rel="next"$/.exec(all.headers.get('Link') ?? '')?.[1];
    for (const path of [`/api/v1/inventory?limit=1&cursor=${nextCursor}`, link ?? '']) {
      expect(await (await get(path)).json()).toMatchObject({
        entries: [{ account: 'phone@att.net' }],
        nextCursor: null,
      });
    }
  });

  it.each([
    'limit=0',
    'limit=1001',
    'cursor=%2F',
    'cursor=',
    'transport=pigeon',
    'unencrypted=yes',
    'network=lan',
    'address=192.0.2.0%2F40',
    'since=yesterday',
    'since=2026-13-01',
    'format=xml',
  ])('refuses %s', async (query) => {
    const response = await appWith(clients).get(`/api/v1/inventory?${query}`);
    expect(response.status).toBe(400);
    expect((await response.json()).detail).toContain(`"${query.split('=')[0]}" must be`);
  });

  it('says that it is turned off', async () => {
    const { ports } = fakePorts();
    const headers = { Authorization: `Bearer ${viewerToken}` };
    const response = await createAdminApp(ports).request('/api/v1/inventory', { headers });
    expect(response.status).toBe(404);
    expect((await response.json()).detail).toBe('The inventory is turned off: `inventory.retention` is 0');
  });

  it('answers 503 while its store cannot be asked, and reports why', async () => {
    const failure = new Error('Redis is down');
    const { get, errors } = appWith([], { inventory: { list: () => Promise.reject(failure) } });
    expect((await get('/api/v1/inventory')).status).toBe(503);
    expect(errors).toEqual([failure]);
  });
});

describe('GET /api/v1/inventory as CSV', () => {
  it.each([
    ['/api/v1/inventory?format=csv', {}],
    ['/api/v1/inventory', { Accept: 'text/csv' }],
  ])('is asked for by %s %j', async (path, headers: Record<string, string>) => {
    const response = await appWith(clients).get(path, headers);
    expect(response.headers.get('Content-Type')).toBe('text/csv; charset=utf-8; header=present');
    expect(response.headers.get('Vary')).toBe('Accept');
    expect((await response.text()).split('\r\n')).toEqual([
      '"account","network","listener","transport","tls_version","cipher","key_exchange","first_seen","last_seen","logins"',
      '"eudora@att.net","192.0.2.7","lan","plaintext","","","","2026-11-23T12:00:00.000Z","2026-11-23T12:00:00.000Z","1"',
      '"phone@att.net","2001:db8::/64","wan","implicit","TLSv1.3","TLS_AES_256_GCM_SHA384","","2026-11-23T12:00:00.000Z","2026-11-23T12:00:00.000Z","1"',
      '',
    ]);
  });

  it('stays JSON for who takes anything', async () => {
    const response = await appWith(clients).get('/api/v1/inventory', { Accept: '*/*' });
    expect(response.headers.get('Content-Type')).toBe('application/json');
  });

  it.each([
    ['=1+2@att.net', `"'=1+2@att.net"`],
    ['+1@att.net', `"'+1@att.net"`],
    ['-1@att.net', `"'-1@att.net"`],
    ['@sum(1)', `"'@sum(1)"`],
    [' =1', `"' =1"`],
    ['＝1', `"'＝1"`],
    ['"=1"', '"""=1"""'],
    ['a",=1', '"a"",=1"'],
    ['a;=1', '"a;=1"'],
    // Controls are made printable before they are kept.
    ['\t=1', '"\\u{9}=1"'],
    ['a\r\n=1', '"a\\u{d}\\u{a}=1"'],
  ])('gives a spreadsheet no formula: account %j', async (account, cell) => {
    const text = await (await appWith([encrypted({ account })]).get('/api/v1/inventory?format=csv')).text();
    const [, line, rest] = text.split('\r\n');
    expect(line?.startsWith(`${cell},"192.0.2.7",`)).toBe(true);
    expect(rest).toBe('');
  });
});
