import { afterEach, describe, expect, it } from 'vitest';
import { guardReasons } from '../../src/policy/guard/admission.ts';
import { upstreamFailureReasons } from '../../src/policy/upstream-failure.ts';
import type { LoginResult } from '../../src/proxy/events.ts';
import { isCredentialRefusal, type LoginOutcome, type LoginRequest, logIn } from '../../src/proxy/login.ts';
import type { GuardVerdict } from '../../src/proxy/ports.ts';
import { createFakePorts, type FakePorts, password, statusReply, upstreamTls } from './session-under-test.ts';

const identity = { sessionId: 's1', listener: 'lan', address: '192.0.2.7' };
const alice = { ...identity, account: 'alice@corp.test' };
const opened: FakePorts[] = [];

afterEach(() => {
  for (const { upstream } of opened.splice(0)) upstream.destroy();
});

interface Attempt extends FakePorts {
  readonly outcome: LoginOutcome;
  /** Waits that were asked for, before the upstream was. */
  readonly heldMs: readonly number[];
}

/** Logs in once, with ports that `prepare` has set up. */
async function attempt(
  prepare: (fakes: FakePorts) => void,
  { username = 'Alice@Corp.Test', ...request }: Partial<LoginRequest> & { username?: string } = {},
): Promise<Attempt> {
  const fakes = createFakePorts();
  opened.push(fakes);
  prepare(fakes);
  const heldMs: number[] = [];
  let now = 1000;
  const outcome = await logIn(
    {
      identity,
      transport: 'stls',
      credentials: { username, password },
      describeClient: () => ({
        source: { address: '192.0.2.7', port: 50_000 },
        destination: { address: '192.0.2.1', port: 110 },
        sessionId: 's1',
      }),
      hold: async (delayMs) => {
        expect(fakes.upstream.requests).toEqual([]);
        heldMs.push(delayMs);
      },
      signal: new AbortController().signal,
      ...request,
    },
    { ...fakes.ports, nowMs: () => (now += 7) },
  );
  expect(JSON.stringify(fakes.recorder.events)).not.toContain(password);
  expect(fakes.guard.released).toEqual(fakes.guard.verdict.kind === 'allowed' ? fakes.guard.admitted : []);
  return { ...fakes, outcome, heldMs };
}

function refusing(line: string): (fakes: FakePorts) => void {
  return ({ upstream }) => {
    upstream.answer = async () => ({ kind: 'refused', reply: statusReply(line) });
  };
}

describe('a login that the upstream accepts', () => {
  it('is reported, told to the guard, and handed over with the upstream’s own words', async () => {
    const { outcome, guard, recorder, upstream } = await attempt(({ upstream }) => {
      upstream.answer = () => upstream.accept({ reply: '+OK 3 messages (960 octets)', received: 'more' });
    });
    expect(outcome).toMatchObject({
      result: 'accepted',
      account: 'alice@corp.test',
      reply: '3 messages (960 octets)',
      upstream: { name: 'corp' },
    });
    expect(outcome.result === 'accepted' && outcome.session.socket).toBe(upstream.socket);
    expect(guard.admitted).toEqual([
      {
        ...alice,
        username: 'Alice@Corp.Test',
        password,
        transport: 'stls',
        upstream: expect.objectContaining({ name: 'corp' }),
      },
    ]);
    expect(guard.settled).toEqual([{ attempt: guard.admitted[0], outcome: 'accepted' }]);
    expect(guard.settled[0]?.attempt).toBe(guard.admitted[0]);
    expect(recorder.events).toMatchObject([
      {
        kind: 'upstreamConnected',
        ...identity,
        upstream: 'corp',
        upstreamAddress: '192.0.2.25',
        tls: upstreamTls,
        durationMs: 5,
      },
      {
        kind: 'loginFinished',
        ...identity,
        transport: 'stls',
        account: 'alice@corp.test',
        upstream: 'corp',
        result: 'accepted',
        durationMs: 35,
        guardMs: { admitMs: 7, settleMs: 7 },
        reply: '3 messages (960 octets)',
      },
    ]);
    expect(recorder.events).toHaveLength(2);
  });

  it('asks the upstream for the account as the client spelled it, with the password as it came', async () => {
    const { upstream } = await attempt(() => {}, { username: 'Alice%Corp.Test' });
    expect(upstream.requests.map(({ credentials }) => credentials)).toEqual([
      { username: 'Alice@Corp.Test', password },
    ]);
  });

  it('goes to the upstream of the listener, whatever its domain', async () => {
    const { outcome } = await attempt(() => {}, { username: 'bob@elsewhere.test', listenerUpstream: 'corp' });
    expect(outcome).toMatchObject({ result: 'accepted', account: 'bob@elsewhere.test', upstream: { name: 'corp' } });
  });
});

describe('a login that the upstream refuses', () => {
  it.each<{ line: string; result: LoginResult; reply: string }>([
    {
      line: '-ERR [AUTH] Application-specific password required',
      result: 'refused',
      reply: '[AUTH] Application-specific password required',
    },
    { line: '-ERR Logon failure', result: 'refused', reply: '[AUTH] Logon failure' },
    { line: '-ERR', result: 'refused', reply: '[AUTH] The mail server refused this user name or password' },
    { line: '-ERR [X-OTHER] Whatever', result: 'refused', reply: '[X-OTHER] Whatever' },
    { line: '-ERR [IN-USE] Locked', result: 'busy', reply: '[IN-USE] Locked' },
    { line: '-ERR [login-delay] Wait', result: 'busy', reply: '[login-delay] Wait' },
    { line: '-ERR [SYS/TEMP] Later', result: 'busy', reply: '[SYS/TEMP] Later' },
    { line: '-ERR [SYS/PERM] POP is off', result: 'denied', reply: '[SYS/PERM] POP is off' },
    { line: '-ERR [AUTH] Web login required', result: 'busy', reply: '[AUTH] Web login required' },
    { line: '-ERR maildrop already locked', result: 'busy', reply: '[SYS/TEMP] maildrop already locked' },
  ])('with $line is $result', async ({ line, result, reply }) => {
    const { outcome, guard, recorder } = await attempt(refusing(line));
    expect(outcome).toMatchObject({ result, reply, account: 'alice@corp.test' });
    expect(recorder.of('loginFinished')).toMatchObject([{ result, reply, upstream: 'corp' }]);
    // Only refused credentials count: a busy maildrop must not lock its owner out.
    expect(guard.settled).toEqual(result === 'refused' ? [{ attempt: guard.admitted[0], outcome: 'refused' }] : []);
    expect(outcome.result !== 'accepted' && isCredentialRefusal(outcome)).toBe(result === 'refused');
  });

  it('is answered as late as the guard wants, and reported at once', async () => {
    const { outcome, recorder } = await attempt((fakes) => {
      fakes.guard.delayMs = 4_000;
      refusing('-ERR [AUTH] No')(fakes);
    });
    expect(outcome).toMatchObject({ result: 'refused', delayMs: 4_000 });
    expect(recorder.of('loginFinished')).toMatchObject([{ guardMs: { admitMs: 7, settleMs: 7 }, durationMs: 35 }]);
  });
});

describe('a login that a policy server wants to wait', () => {
  const slow: GuardVerdict = { kind: 'allowed', delayMs: 3_000 };

  it('waits before its upstream is asked', async () => {
    const { outcome, heldMs } = await attempt(({ guard }) => {
      guard.verdict = slow;
    });
    expect(heldMs).toEqual([3_000]);
    expect(outcome.result).toBe('accepted');
  });

  it('never asks it where the client went away meanwhile', async () => {
    const gone = new AbortController();
    const { outcome, upstream, recorder } = await attempt(
      ({ guard }) => {
        guard.verdict = slow;
      },
      { signal: gone.signal, hold: async () => gone.abort() },
    );
    expect(outcome.result).toBe('cancelled');
    expect(upstream.requests).toEqual([]);
    expect(recorder.of('loginFinished')).toMatchObject([{ result: 'cancelled' }]);
  });
});

describe('a login whose upstream fails', () => {
  // Nothing to do with trust; every other reason is.
  const unreachable = ['not_pop3', 'unavailable', 'reset', 'timeout', 'refused', 'unreachable', 'dns', 'loop'];

  it.each(upstreamFailureReasons)('for reason %s is told apart from a refusal', async (reason) => {
    const failure = { reason, detail: 'What happened' };
    const { outcome, guard, recorder } = await attempt(({ upstream }) => {
      upstream.answer = async () => ({ kind: 'failed', failure });
    });
    const result = unreachable.includes(reason) ? 'unreachable' : 'untrusted';
    expect(outcome).toMatchObject({ result, failure, upstream: { name: 'corp' } });
    expect(outcome.reply).toMatch(reason === 'loop' ? /^\[SYS\/PERM\] / : /^\[SYS\/TEMP\] /);
    expect(outcome.reply).toContain('pop.corp.test');
    expect(outcome.reply.includes('your password was not sent')).toBe(result === 'untrusted');
    expect(guard.settled).toEqual([]);
    expect(recorder.of('loginFinished')).toMatchObject([{ result, failure, reply: outcome.reply }]);
  });

  it('because the client went away is cancelled', async () => {
    const gone = new AbortController();
    const { outcome, guard, recorder } = await attempt(
      ({ upstream }) => {
        upstream.answer = async () => {
          gone.abort();
          return { kind: 'failed', failure: { reason: 'reset', detail: 'The client went away' } };
        };
      },
      { signal: gone.signal },
    );
    expect(outcome.result).toBe('cancelled');
    expect(recorder.of('loginFinished')).toMatchObject([{ result: 'cancelled' }]);
    expect(guard.settled).toEqual([]);
  });
});

describe('a login whose client is gone when the upstream answers', () => {
  const leaving = async (answer: (fakes: FakePorts) => void) => {
    const gone = new AbortController();
    return attempt(
      (fakes) => {
        answer(fakes);
        const { answer: original } = fakes.upstream;
        fakes.upstream.answer = async (request) => {
          gone.abort();
          return original(request);
        };
      },
      { signal: gone.signal },
    );
  };

  it('counts all the same where it was refused', async () => {
    const { outcome, guard } = await leaving(refusing('-ERR [AUTH] No'));
    expect(outcome.result).toBe('refused');
    expect(guard.settled.length).toBe(1);
  });

  it('is no poll where it was accepted, and leaves no connection behind', async () => {
    const { outcome, guard, upstream } = await leaving(({ upstream }) => {
      upstream.answer = () => upstream.accept();
    });
    expect(outcome.result).toBe('cancelled');
    expect(upstream.socket.destroyed).toBe(true);
    expect(guard.settled).toEqual([]);
  });
});

describe('a login that reaches no upstream', () => {
  it('for the guard refuses it gets the guard’s reply, as late as it wants', async () => {
    const reply = '[SYS/TEMP] Too many failed logins. Please try again in 5 minutes';
    const refusal = { reason: 'limit', limit: 'perAccount', retryAfterMs: 300_000 } as const;
    const { outcome, upstream, guard, recorder } = await attempt(({ guard }) => {
      guard.verdict = { kind: 'refused', ...refusal, reply, delayMs: 2_000 };
    });
    expect(outcome).toMatchObject({ result: 'limited', reply, account: 'alice@corp.test', delayMs: 2_000 });
    expect(upstream.requests).toEqual([]);
    expect(guard.settled).toEqual([]);
    expect(recorder.events).toEqual([
      {
        kind: 'loginFinished',
        ...identity,
        transport: 'stls',
        account: 'alice@corp.test',
        upstream: 'corp',
        result: 'limited',
        durationMs: 21,
        reply,
        guard: refusal,
        guardMs: { admitMs: 7 },
      },
    ]);
  });

  it.each(guardReasons)(
    'for the reason %s is a refusal of the credentials only where those are remembered',
    async (reason) => {
      const { outcome } = await attempt(({ guard }) => {
        guard.verdict = { kind: 'refused', reason, reply: '[AUTH] No', delayMs: 0 };
      });
      expect(outcome).toMatchObject({ result: 'limited', guard: { reason } });
      expect(outcome.result !== 'accepted' && isCredentialRefusal(outcome)).toBe(reason === 'remembered');
    },
  );

  it('for want of a route asks no guard and reports no upstream', async () => {
    const { outcome, upstream, guard, recorder } = await attempt(() => {}, { username: 'bob@elsewhere.test' });
    expect(outcome).toMatchObject({ result: 'unrouted', account: 'bob@elsewhere.test' });
    expect(outcome.reply).toMatch(/^\[SYS\/PERM\] No mail server is known/);
    expect(guard.admitted).toEqual([]);
    expect(upstream.requests).toEqual([]);
    expect(recorder.events).toHaveLength(1);
    expect(recorder.of('loginFinished')[0]).not.toHaveProperty('upstream');
  });
});
