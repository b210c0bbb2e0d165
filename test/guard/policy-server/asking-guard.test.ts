import { describe, expect, it } from 'vitest';
import { createGuard, type LoginGuard } from '../../../src/guard/guard.ts';
import type { PolicyAnswer } from '../../../src/guard/guard-ports.ts';
import { attemptOf, guess, type LimitsUnderTest, limitsOf, logIn, recordEvents, verdictOn } from '../fixtures.ts';

const no: PolicyAnswer = { kind: 'refused', reply: '[SYS/PERM] Not you' };

/** A guard with a policy server whose answer a test can change, and what that was told. */
function createAsking(tested: LimitsUnderTest): {
  readonly guard: LoginGuard;
  readonly reported: readonly string[];
  readonly server: { answer: PolicyAnswer };
} {
  const reported: string[] = [];
  const server: { answer: PolicyAnswer } = { answer: { kind: 'allowed' } };
  const guard = createGuard({
    limits: limitsOf(tested),
    report: recordEvents().report,
    policyServer: {
      allow: async () => server.answer,
      report: (_, outcome) => reported.push(outcome),
    },
  });
  return { guard, reported, server };
}

describe('a guard with a policy server', () => {
  it('refuses in its words', async () => {
    const { guard, server } = createAsking({});
    server.answer = no;
    expect(await guard.admit(attemptOf())).toMatchObject({ kind: 'refused', reason: 'policy_server', reply: no.reply });
  });

  it('refuses owners, too', async () => {
    const { guard, server } = createAsking({});
    await logIn(guard, { outcome: 'accepted' });
    server.answer = no;
    expect(await verdictOn(guard)).toBe('policy_server');
  });

  it('hands its delay on', async () => {
    const { guard, server } = createAsking({});
    server.answer = { kind: 'allowed', delayMs: 3_000 };
    expect(await guard.admit(attemptOf())).toEqual({ kind: 'allowed', delayMs: 3_000 });
  });

  it('keeps no room for a login that it refused', async () => {
    const { guard, server } = createAsking({ perAccount: { threshold: 1 } });
    server.answer = no;
    for (let time = 0; time < 3; time += 1) expect(await verdictOn(guard)).toBe('policy_server');
    server.answer = { kind: 'allowed' };
    expect(await verdictOn(guard)).toBe('allowed');
  });

  it('says why itself where a limit stops the login as well', async () => {
    const { guard, server } = createAsking({ perAccount: { threshold: 1 } });
    await guess(guard, { times: 1 });
    server.answer = no;
    expect(await verdictOn(guard)).toBe('limit perAccount');
  });

  it('counts nothing that it refused', async () => {
    const { guard, server } = createAsking({ perAccount: { threshold: 2 } });
    server.answer = no;
    await guess(guard, { times: 5 });
    server.answer = { kind: 'allowed' };
    expect(await verdictOn(guard)).toBe('allowed');
  });

  it('tells it what the upstream said, and of nothing that never got there', async () => {
    const { guard, reported } = createAsking({ perAccount: { threshold: 1 } });
    await logIn(guard, { outcome: 'accepted', account: 'bob@att.net' });
    await guess(guard, { times: 1 });
    // Stopped by the limit.
    await guess(guard, { times: 2, first: 2 });
    expect(reported).toEqual(['accepted', 'refused']);
  });
});
