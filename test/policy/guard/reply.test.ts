import { describe, expect, test } from 'vitest';
import { guardReasons } from '../../../src/policy/guard/admission.ts';
import { replyForRefusedLogin } from '../../../src/policy/guard/reply.ts';
import { limitNames } from '../../../src/policy/login-limits.ts';

describe(replyForRefusedLogin, () => {
  test.each([
    ['limit', '[SYS/TEMP]'],
    ['manual', '[SYS/PERM]'],
    ['remembered', '[AUTH]'],
    ['pace', '[LOGIN-DELAY]'],
    ['in_use', '[IN-USE]'],
    ['busy', '[SYS/TEMP]'],
    ['policy_server', '[SYS/PERM]'],
    ['store', '[SYS/TEMP]'],
  ] as const)('answers %s with the code %s', (reason, code) => {
    expect(replyForRefusedLogin({ reason, retryAfterMs: 90_000 }).split(' ', 1)[0]).toBe(code);
  });

  test('says of each limit what failed too often, and when to try again', () => {
    for (const limit of limitNames) {
      const reply = replyForRefusedLogin({ reason: 'limit', limit, retryAfterMs: 299_001 });
      expect(reply).toMatch(/^\[SYS\/TEMP\] Too many failed logins .*(?:address|network|account).* in 5 minutes$/);
    }
  });

  test('fits into a line of POP3, whatever the reason', () => {
    // RFC 1939 §3: 512 octets with the status indicator and CRLF; ASCII, for clients that know nothing else.
    for (const reason of guardReasons) {
      for (const limit of limitNames) {
        const reply = replyForRefusedLogin({ reason, limit, retryAfterMs: 30 * 86_400_000 });
        expect(reply).toMatch(/^[ -~]{1,500}$/);
      }
    }
  });
});
