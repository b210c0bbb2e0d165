import { describe, expect, it } from 'vitest';
import { isFarewell } from '../../src/policy/refusal.ts';

describe('isFarewell', () => {
  it.each([
    { text: 'Disconnected: Inactivity' },
    { text: 'Disconnected: Connection queue full' },
    { text: 'Disconnected for inactivity.' },
    { text: 'Autologout; idle for too long' },
    { text: 'timeout' },
    { text: 'POP3 connection timed out' },
    { text: 'Connection is closed. 15' },
    { text: '[SYS/TEMP] Server shutting down.', code: 'SYS/TEMP' },
  ])('knows "$text"', (reply) => {
    expect(isFarewell(reply)).toBe(true);
  });

  it.each([
    { text: '[AUTH] Authentication failed, disconnecting', code: 'AUTH' },
    { text: 'Authentication failed, closing connection' },
    { text: 'Invalid user name or password. Disconnecting' },
    { text: 'Logon failure: unknown user name or bad password.' },
    { text: '[IN-USE] Maildrop is locked by an idle session', code: 'IN-USE' },
    { text: '[LOGIN-DELAY] Wait for the timeout', code: 'LOGIN-DELAY' },
    { text: 'Login failed for "overtime outings"' },
    { text: '' },
  ])('takes "$text" for an answer', (reply) => {
    expect(isFarewell(reply)).toBe(false);
  });
});
