import { describe, expect, test } from 'vitest';
import { dovecotPenaltyGate } from './dovecot-penalty.ts';
import { fail2banGate } from './fail2ban.ts';
import type { Outcome } from './gates.ts';
import type { LoginEvent } from './login-event.ts';
import { Provider } from './provider.ts';

const startMs = 1_800_000_000_000;

function login(tried: Partial<LoginEvent> & { readonly afterMs?: number }): LoginEvent {
  const { afterMs = 0, ...event } = tried;
  return {
    atMs: startMs + afterMs,
    who: 'target',
    account: 'alice@example.com',
    address: '192.0.2.7',
    password: 'guess',
    device: 'one',
    ...event,
  };
}

describe('a provider', () => {
  test('locks an account with the tenth refused login in ten minutes, for half an hour', () => {
    const provider = new Provider();
    const at = (minutes: number, isRight: boolean): string =>
      provider.logIn('alice@example.com', { isRight, nowMs: startMs + minutes * 60_000 });
    for (let minute = 0; minute < 10; minute += 1) expect(at(minute * 0.9, false)).toBe('refused');
    expect(at(37.9, true)).toBe('locked');
    expect(at(38.2, true)).toBe('accepted');
    expect(provider.locks).toBe(1);
    for (let minute = 0; minute < 20; minute += 1) expect(at(60 + minute * 1.2, false)).toBe('refused');
    expect(provider.locks).toBe(1);
  });
});

describe('fail2ban', () => {
  test('bans an address for ten minutes after five failures in ten, whatever they were', async () => {
    const gate = fail2banGate(new Provider());
    const answers: Outcome[] = [];
    for (let index = 0; index < 6; index += 1) answers.push(await gate.logIn(login({ afterMs: index * 1_000 }), false));
    expect(answers.map(({ answer }) => answer)).toEqual([...Array(5).fill('refused'), 'limited']);
    expect(await gate.logIn(login({ afterMs: 603_000 }), true)).toMatchObject({ answer: 'limited' });
    expect(await gate.logIn(login({ afterMs: 604_000 }), true)).toMatchObject({ answer: 'accepted' });
    expect(await gate.logIn(login({ address: '192.0.2.8', afterMs: 6_000 }), true)).toMatchObject({
      answer: 'accepted',
    });
  });
});

describe("Dovecot's penalty", () => {
  test('delays an address more with each failure, up to 15 seconds, and forgets after as long', async () => {
    const gate = dovecotPenaltyGate(new Provider());
    const waits: number[] = [];
    for (let index = 0; index < 5; index += 1) {
      const { waitMs } = await gate.logIn(login({ password: `guess ${index}` }), false);
      waits.push(waitMs);
    }
    // With two seconds that each failure's reply is held back.
    expect(waits).toEqual([2_000, 6_000, 10_000, 17_000, 17_000]);
    expect(await gate.logIn(login({ afterMs: 60_000 }), true)).toEqual({ answer: 'accepted', waitMs: 0 });
  });

  test('raises nothing for what was tried before, and counts an IPv6 /48 as one', async () => {
    const gate = dovecotPenaltyGate(new Provider());
    const address = '2001:db8:1:2::3';
    for (let index = 0; index < 4; index += 1) await gate.logIn(login({ address }), false);
    expect(await gate.logIn(login({ address: '2001:db8:1:9::3' }), true)).toEqual({
      answer: 'accepted',
      waitMs: 4_000,
    });
  });
});
