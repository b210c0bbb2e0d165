import { describe, expect, it } from 'vitest';
import { auditRecordSchema } from '../../src/telemetry/audit/audit-record.ts';
import { RecentLogins } from '../../src/telemetry/recent-logins.ts';
import { events } from './events.ts';

const planted = 'hunter2-in-the-reply';

function recentAt(maxRecords?: number) {
  const clock = { nowMs: 1_700_000_000_000 };
  const options = maxRecords === undefined ? {} : { maxRecords };
  return { clock, recent: new RecentLogins(() => clock.nowMs, options) };
}

describe('RecentLogins', () => {
  it('remembers the last ten of an account as records, the newest first', () => {
    const { clock, recent } = recentAt();
    for (let login = 1; login <= 12; login += 1) {
      clock.nowMs += 1;
      recent.record(events.login({ sessionId: `s${login}` }));
    }
    const logins = recent.of('user@att.net');
    expect(logins.map(({ session }) => session)).toEqual([
      's12',
      's11',
      's10',
      's9',
      's8',
      's7',
      's6',
      's5',
      's4',
      's3',
    ]);
    for (const login of logins) expect(auditRecordSchema.safeParse(login).success).toBe(true);
  });

  it('keeps of an upstream’s words what they ask for, and none of them', () => {
    const { recent } = recentAt();
    const reply = `[AUTH] Application-specific password required, not ${planted}`;
    recent.record(events.login({ result: 'refused', reply }));
    const [login] = recent.of('user@att.net');
    expect(login).toMatchObject({ result: 'refused', code: 'AUTH', hint: 'app_password' });
    expect(JSON.stringify(login)).not.toContain(planted);
  });

  it('keeps what the guard decided', () => {
    const { recent } = recentAt();
    const guard = { reason: 'limit', limit: 'perAccount', retryAfterMs: 1_000 } as const;
    recent.record(events.login({ result: 'limited', guard }));
    expect(recent.of('user@att.net')[0]?.guard).toEqual({ decision: 'refused', ...guard });
  });

  it('forgets the accounts that were not tried for longest where there are too many', () => {
    const { recent } = recentAt(3);
    for (const account of ['a', 'b', 'a', 'c']) recent.record(events.login({ account }));
    expect(recent.of('b')).toEqual([]);
    expect(recent.of('a')).toHaveLength(2);
    expect(recent.of('c')).toHaveLength(1);
  });

  it('knows accounts by their printable names', () => {
    const { recent } = recentAt();
    recent.record(events.login({ account: 'a\u001b@b' }));
    expect(recent.of('a\\u{1b}@b')).toHaveLength(1);
  });
});
