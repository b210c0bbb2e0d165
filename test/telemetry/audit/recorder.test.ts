import { describe, expect, it } from 'vitest';
import { noCommands } from '../../../src/pop3/counted-command.ts';
import { hashedAccount } from '../../../src/telemetry/audit/account-names.ts';
import { events } from '../events.ts';
import { createRecorder, recordsOf } from './recording.ts';

const tls = { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', resumed: false };
const begin = { v: 1, timeMs: 1_795_421_411_000, time: '2026-11-23T08:10:11.000Z', instance: 'gate1' };
const whose = { session: 's1', listener: 'lan' };
const client = { address: '192.0.2.7', port: 40_000, transport: 'stls', tls };

const key = 'a-secret-of-the-tests';

describe('Recorder', () => {
  it('makes a record of a login and one of its session', () => {
    const fingerprint = 'ab'.repeat(32);
    const records = recordsOf([
      events.opened({ proxySource: '10.0.0.5', correlationId: 'lb-7' }),
      events.clientTls({ certificate: { subject: 'CN=scanner-3', fingerprint } }),
      events.connected(),
      events.login({ guardMs: { admitMs: 1 } }),
      events.relaying({ toUpstream: 0, toClient: 0 }),
      events.closed({ commands: { ...noCommands(), STAT: 1, RETR: 3, DELE: 2, TOP: 1, QUIT: 1 } }),
    ]);
    const proxied = {
      ...client,
      proxySource: '10.0.0.5',
      correlationId: 'lb-7',
      certificate: { subject: 'CN=scanner-3', fingerprint },
    };
    const upstream = { name: 'att', address: '198.51.100.1', tls };
    expect(records).toEqual([
      {
        ...begin,
        ...whose,
        type: 'login',
        client: proxied,
        account: 'user@att.net',
        upstream,
        result: 'accepted',
        guard: { decision: 'allowed' },
        durationMs: 120,
      },
      {
        ...begin,
        ...whose,
        type: 'session',
        client: proxied,
        account: 'user@att.net',
        upstream,
        reason: 'client_closed',
        durationMs: 2_000,
        loginAttempts: 1,
        octetsToUpstream: 10,
        octetsToClient: 200,
        retrCommands: 3,
        topCommands: 1,
        deleCommands: 2,
        rsetCommands: 0,
        quitCommands: 1,
      },
    ]);
  });

  it('keeps the code of a refusal and what it asks for, and none of its words', () => {
    const reply = '[AUTH] hunter2hunter2: Application-specific password required';
    const [record] = recordsOf([events.opened(), events.login({ result: 'refused', reply })]);
    expect(record).toMatchObject({ result: 'refused', code: 'AUTH', hint: 'app_password' });
    expect(JSON.stringify(record)).not.toContain('hunter2');
  });

  it('tells why the guard refused, and that it was not asked', () => {
    const guard = { reason: 'limit', limit: 'perAccount', retryAfterMs: 60_000.4 } as const;
    const [limited, unrouted] = recordsOf([events.login({ result: 'limited', guard }), events.unrouted()]);
    expect(limited).toMatchObject({
      guard: { decision: 'refused', reason: 'limit', limit: 'perAccount', retryAfterMs: 60_001 },
    });
    expect(unrouted).toMatchObject({ result: 'unrouted', guard: { decision: 'not_asked' } });
    expect(unrouted).not.toHaveProperty('upstream');
  });

  it('forgets the connection of a login that failed', () => {
    const [first, second, end] = recordsOf([
      events.opened(),
      events.connected(),
      events.login({ result: 'refused', reply: '[AUTH] no' }),
      events.login({ result: 'limited', reply: '[SYS/TEMP] no' }),
      events.closed({ reason: 'login_attempts' }),
    ]);
    expect(first).toMatchObject({ upstream: { name: 'att', address: '198.51.100.1' } });
    expect(second).toMatchObject({ upstream: { name: 'att' } });
    expect(second).not.toHaveProperty('upstream.address');
    expect(end).toMatchObject({ loginAttempts: 2, reason: 'login_attempts', octetsToClient: 200 });
    expect(end).not.toHaveProperty('account');
    expect(end).not.toHaveProperty('upstream');
  });

  it('makes what a peer chose printable', () => {
    const [record] = recordsOf([
      events.login({ account: 'a\u001b[2J\n@att.net', failure: { reason: 'reset', detail: 'x\u0000' } }),
    ]);
    expect(record).toMatchObject({ account: 'a\\u{1b}[2J\\u{a}@att.net', failure: { detail: 'x\\u{0}' } });
  });

  it('tells of a client that asked to log in without encryption', () => {
    const asked = recordsOf([events.opened(), events.closed({ needsEncryption: true })]);
    expect(asked).toMatchObject([{ type: 'session', loginAttempts: 0, needsEncryption: true }]);
  });

  it('names accounts by their keyed hash, and no record holds the name', () => {
    const { recorder, records } = createRecorder({ nameAccount: (account) => hashedAccount(account, key) });
    for (const event of [events.opened(), events.login(), events.closed({ commands: noCommands() })])
      recorder.record(event);
    recorder.recordChange({ action: 'addBlock', by: 'ops', target: 'user@att.net', result: 'done' });
    recorder.recordChange({ action: 'addBlock', by: 'ops', target: '192.0.2.0/24', result: 'done' });
    const { accountHash } = hashedAccount('USER@att.net', key);
    expect(accountHash).toMatch(/^[0-9a-f]{32}$/);
    expect(hashedAccount('user@att.net', 'another-secret-of-tests').accountHash).not.toBe(accountHash);
    expect(records[0]).toMatchObject({ type: 'login', accountHash });
    expect(records[1]).toMatchObject({ type: 'session', accountHash });
    expect(records[2]).toMatchObject({ type: 'admin', target: accountHash });
    expect(records[3]).toMatchObject({ type: 'admin', target: '192.0.2.0/24' });
    expect(JSON.stringify(records)).not.toContain('user@');
  });

  it.each([
    ['addBlock', 'block user@att.net', 'block '],
    ['addBlock', 'allow User@att.net', 'allow '],
    ['liftBlock', 'user@att.net', ''],
    ['request', 'DELETE /api/v1/blocks/user@att.net', 'DELETE /api/v1/blocks/'],
    ['authenticate', '/api/v1/accounts/user%40att.net', '/api/v1/accounts/'],
  ])('hashes the account in what was done: %s %s', (action, target, before) => {
    const { recorder, records } = createRecorder({ nameAccount: (account) => hashedAccount(account, key) });
    recorder.recordChange({ action, by: 'ops', target, result: 'done' });
    expect(records).toMatchObject([{ target: `${before}${hashedAccount('user@att.net', key).accountHash}` }]);
  });

  it.each([
    ['addBlock', 'block 192.0.2.0/24'],
    ['addBlock', 'allow 2001:db8::/48'],
    ['authenticate', '/api/v1/sessions'],
    ['endSession', 'ab12-1'],
    ['setLogLevel', 'debug'],
  ])('leaves as it is what names no account: %s %s', (action, target) => {
    const { recorder, records } = createRecorder({ nameAccount: (account) => hashedAccount(account, key) });
    recorder.recordChange({ action, by: 'ops', target, result: 'done' });
    expect(records).toMatchObject([{ target }]);
  });

  it('makes a record of what an admin did, and of what nobody was let do', () => {
    const { recorder, records } = createRecorder();
    recorder.recordChange({
      action: 'endSession',
      by: 'ops',
      role: 'operator',
      address: '127.0.0.1',
      target: 'ab12-1\u001b',
      result: 'done',
    });
    recorder.recordChange({ action: 'authenticate', address: '192.0.2.9', result: 'refused' });
    expect(records).toMatchObject([
      { type: 'admin', by: 'ops', role: 'operator', action: 'endSession', target: 'ab12-1\\u{1b}', result: 'done' },
      { type: 'admin', address: '192.0.2.9', action: 'authenticate', result: 'refused' },
    ]);
  });
});
