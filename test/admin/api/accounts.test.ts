import { describe, expect, it } from 'vitest';
import { explainAccount } from '../../../src/admin/api/explain-account.ts';
import type { KnownAccount } from '../../../src/admin/ports.ts';
import { dayMs, hourMs, limitsOf, minuteMs } from '../../guard/fixtures.ts';
import { events } from '../../telemetry/events.ts';
import { appWith, fakeGuard, nothingKnown, nowMs } from '../ports.ts';

const limits = limitsOf({ perAccount: { threshold: 10 }, passwordsPerAccount: { threshold: 10, windowMs: dayMs } });

function explain(change: Partial<KnownAccount>) {
  return explainAccount({ ...nothingKnown, ...change }, { limits, nowMs });
}

const blocked = {
  limit: 'perAccount',
  subject: 'a@att.net',
  untilMs: nowMs + 4 * minuteMs,
  strikes: 2,
  hasOwners: false,
} as const;
const entry = {
  id: 'm1',
  effect: 'block',
  origin: 'manual',
  subject: 'a@att.net',
  reason: 'left us',
  by: 'ops',
} as const;

describe('explainAccount', () => {
  it('says that nothing stands in the way', () => {
    expect(explain({})).toEqual({
      state: 'open',
      explanation: ['Nothing stands in the way of a login: no block, no refused password that is remembered.'],
    });
  });

  it('tells strangers and owners apart', () => {
    const knownAddresses = [{ address: '192.0.2.7', lastLoginMs: nowMs - dayMs }];
    expect(explain({ blocks: [blocked], knownAddresses })).toEqual({
      state: 'strangers_blocked',
      explanation: [
        'Strangers are refused after 10 different wrong logins to the account within 10 minutes, ' +
          'until 2023-11-14 22:18 UTC (in 4 minutes), for the second time in a row.',
        'Its owners stay in: 1 address logged in lately.',
      ],
    });
  });

  it('names the address of a pair, and leaves the account open', () => {
    const subject = 'a@att.net from 192.0.2.9';
    const { state, explanation } = explain({
      blocks: [{ ...blocked, limit: 'perAddressAndAccount', subject, strikes: 1 }],
    });
    expect(state).toBe('open');
    expect(explanation[0]).toMatch(/^Logins from 192\.0\.2\.9 are refused, owner or not, .*\(in 4 minutes\)\.$/);
  });

  it('puts an operator’s decision first', () => {
    const { state, explanation } = explain({ blocks: [blocked], entries: [entry] });
    expect(state).toBe('blocked');
    expect(explanation[0]).toBe('An operator (ops) blocked it: left us. No login is let in.');
  });

  it('lets an exempted account in, block or not', () => {
    const allow = { ...entry, effect: 'allow', untilMs: nowMs + 2 * hourMs } as const;
    const { state, explanation } = explain({ blocks: [blocked], entries: [allow] });
    expect(state).toBe('open');
    expect(explanation[0]).toContain('exempted it until 2023-11-15 00:14 UTC (in 2 hours): left us.');
  });

  it('leaves out what is over', () => {
    const over = nowMs - 1;
    const change = {
      blocks: [{ ...blocked, untilMs: over }],
      entries: [{ ...entry, untilMs: over }],
      refusedUntilMs: [over],
    };
    expect(explain(change).state).toBe('open');
    expect(explain(change).explanation).toHaveLength(1);
  });

  it('tells of a device with an old password', () => {
    const { state, explanation } = explain({ refusedUntilMs: [nowMs + hourMs, nowMs + 5 * hourMs] });
    expect(state).toBe('open');
    expect(explanation[0]).toMatch(
      /^2 wrong passwords are remembered .* \(in 5 hours\): .*Any other password is tried\.$/,
    );
  });

  it('tells when all sessions are taken, and when only this instance was asked', () => {
    const { explanation } = explain({ liveSessions: 1_000, local: true });
    expect(explanation[0]).toMatch(/^The store cannot be asked/);
    expect(explanation[1]).toMatch(/^1000 sessions are live, and no more than 1000 may be/);
  });

  it('reckons by the store’s clock and shows this machine’s', () => {
    const ahead = nowMs + dayMs;
    const { explanation } = explain({ nowMs: ahead, blocks: [{ ...blocked, untilMs: ahead + 4 * minuteMs }] });
    expect(explanation[0]).toContain('until 2023-11-14 22:18 UTC (in 4 minutes)');
  });
});

describe('GET /api/v1/accounts/{account}', () => {
  it('shows facts, words and the last logins, whatever the case', async () => {
    const asked: string[] = [];
    const known: KnownAccount = { ...nothingKnown, blocks: [blocked], counts: { perAccount: 7 }, lastLoginMs: nowMs };
    const guard = {
      ...fakeGuard([]),
      describeAccount: async (account: string) => {
        asked.push(account);
        return known;
      },
    };
    const { asViewer, telemetry } = appWith({ guard });
    telemetry.report(events.login({ sessionId: 's1', result: 'refused', reply: '[AUTH] wrong' }));
    telemetry.report(events.login({ sessionId: 's2', account: 'other@att.net' }));
    telemetry.report(events.login({ sessionId: 's3' }));
    const body = await (await asViewer('/api/v1/accounts/User%40att.net')).json();
    expect(asked).toEqual(['user@att.net']);
    expect(body).toMatchObject({
      account: 'user@att.net',
      state: 'strangers_blocked',
      blocks: [{ limit: 'perAccount', strikes: 2 }],
      counts: [{ limit: 'perAccount', counted: 7, threshold: 10 }],
      lastLogin: new Date(nowMs).toISOString(),
      recentLogins: [
        { session: 's3', result: 'accepted', kind: 'loginFinished' },
        { session: 's1', result: 'refused', code: 'AUTH' },
      ],
    });
    expect(body.recentLogins).toHaveLength(2);
  });

  it('takes a name with a slash', async () => {
    expect(await (await appWith().asViewer('/api/v1/accounts/a%2Fb%40att.net')).json()).toMatchObject({
      account: 'a/b@att.net',
      state: 'open',
    });
  });
});
