import { describe, expect, it } from 'vitest';
import { tellAccount } from '../../../src/telemetry/explain/tell-account.ts';
import { login, refusal, startMs } from './fixtures.ts';

const account = 'u0042@example.com';
const nowMs = startMs + 20 * 60_000;

describe('tellAccount', () => {
  it('answers with the newest cause first, then what to do, since when, and whether it works elsewhere', () => {
    const logins = [
      refusal({ minutes: 15, session: 'ab12-5' }),
      refusal({ minutes: 10, session: 'ab12-4' }),
      login({ minutes: 5, from: '192.0.2.8', session: 'ab12-3' }),
    ];
    expect(tellAccount({ account, logins, nowMs })).toEqual([
      'u0042@example.com cannot log in: the mail server "corp" refused the user name or password.',
      expect.stringMatching(/^What to do: Check both in the mail program/),
      'The last login was 5 minutes ago, at 2026-11-23 08:15:00 UTC, from 192.0.2.7. 2 in a row failed; the last one accepted was at 2026-11-23 08:05:00 UTC, from 192.0.2.8.',
      'From 192.0.2.8 the account was let in at 2026-11-23 08:05:00 UTC: only some devices fail.',
      'The last 3 logins, the newest first:',
      '  2026-11-23 08:15:00 UTC  from 192.0.2.7 (TLSv1.3)  refused [AUTH]  session ab12-5',
      '  2026-11-23 08:10:00 UTC  from 192.0.2.7 (TLSv1.3)  refused [AUTH]  session ab12-4',
      '  2026-11-23 08:05:00 UTC  from 192.0.2.8 (TLSv1.3)  accepted  session ab12-3',
    ]);
  });

  it('says that an account can log in, and which device cannot', () => {
    const logins = [login({ minutes: 15 }), refusal({ minutes: 14, from: '192.0.2.9', hint: 'app_password' })];
    const [first, second, third] = tellAccount({ account, logins, nowMs });
    expect(first).toBe('u0042@example.com can log in: the mail server "corp" accepted it.');
    expect(second).toContain('5 minutes ago');
    expect(third).toMatch(/^From 192\.0\.2\.9, though, it was not let in .* wants an app password/);
  });

  it('says that no login that was accepted is on record', () => {
    const told = tellAccount({ account, logins: [refusal({ minutes: 20 })], nowMs });
    expect(told.join('\n')).toContain('just now');
    expect(told.join('\n')).toContain('It is the first that failed; none before is on record that was accepted.');
  });

  it('says that there was no login', () => {
    expect(tellAccount({ account, logins: [], nowMs })).toEqual(['u0042@example.com did not try to log in.']);
  });

  it('lists ten logins at most', () => {
    const logins = Array.from({ length: 30 }, (_, index) => refusal({ minutes: 20 - index / 2 }));
    const told = tellAccount({ account, logins, nowMs });
    expect(told.filter((line) => line.startsWith('  '))).toHaveLength(10);
    expect(told.join('\n')).toContain('30 in a row failed');
  });
});
