import { describe, expect, it } from 'vitest';
import { tellRecentLogins } from '../../../src/telemetry/explain/tell-recent-logins.ts';
import { RecentLogins } from '../../../src/telemetry/recent-logins.ts';
import { events } from '../events.ts';

const nowMs = 1_700_000_060_000;

describe('tellRecentLogins', () => {
  it('says nothing of an account that did not try', () => {
    expect(tellRecentLogins('a@b', { logins: [], nowMs })).toEqual({ answer: [], logins: [] });
  });

  it('answers first, and explains each login', () => {
    const recent = new RecentLogins(() => nowMs - 60_000);
    recent.record(events.login({ transport: 'plaintext' }));
    recent.record(
      events.login({
        result: 'refused',
        reply: '[AUTH] no',
        clientTls: { version: 'TLSv1.2', cipher: 'c', isResumed: false },
      }),
    );
    const { answer, logins } = tellRecentLogins('user@att.net', { logins: recent.of('user@att.net'), nowMs });
    expect(answer[0]).toBe('user@att.net cannot log in: the mail server "att" refused the user name or password.');
    expect(answer[1]).toMatch(/^What to do: /);
    expect(answer.join(' ')).not.toContain('the newest first');
    expect(logins).toMatchObject([
      {
        result: 'refused',
        code: 'AUTH',
        tlsVersion: 'TLSv1.2',
        cause: expect.stringContaining('refused the user name'),
      },
      { result: 'accepted', cause: 'the mail server "att" accepted it' },
    ]);
    expect(logins[1]).not.toHaveProperty('tlsVersion');
  });
});
