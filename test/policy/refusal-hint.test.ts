import { describe, expect, it } from 'vitest';
import { hintOfRefusal } from '../../src/policy/refusal-hint.ts';

describe('hintOfRefusal', () => {
  it.each([
    [
      '[AUTH] Application-specific password required: https://support.google.com/accounts/answer/185833',
      'app_password',
    ],
    ['[AUTH] Please use a secure mail key', 'app_password'],
    ['Basic authentication is disabled', 'oauth_only'],
    ['[AUTH] Web login required: https://support.google.com/mail/answer/78754', 'web_login'],
    ['[SYS/PERM] Your account is not enabled for POP access. Please visit your settings page', 'pop_disabled'],
    ['[AUTH] Account exceeded daily bandwidth limits', 'quota'],
    ['[IN-USE] Unable to lock maildrop: Mailbox is locked by POP server', 'maildrop_locked'],
  ] as const)('reads "%s"', (text, hint) => {
    expect(hintOfRefusal(text)).toBe(hint);
  });

  it.each(['[AUTH] Username and password not accepted.', 'Logon failure: unknown user name or bad password', ''])(
    'makes nothing of "%s"',
    (text) => {
      expect(hintOfRefusal(text)).toBeUndefined();
    },
  );
});
