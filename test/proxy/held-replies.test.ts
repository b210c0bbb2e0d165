import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually } from './peer.ts';
import { logInAs, openSession, policies, type SessionUnderTest, statusReply } from './session-under-test.ts';

const open: SessionUnderTest[] = [];
const no = '-ERR [AUTH] No\r\n';

/** A session of a client in the clear whose every login is refused. */
async function begin(delayMs: number): Promise<SessionUnderTest> {
  const tested = await openSession(policies.plaintext);
  open.push(tested);
  tested.upstream.answer = async () => ({ kind: 'refused', reply: statusReply('-ERR [AUTH] No') });
  tested.guard.delayMs = delayMs;
  await tested.client.line();
  return tested;
}

// The sockets' own timers are the runtime's and go on as they are.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(async () => {
  vi.useRealTimers();
  for (const tested of open.splice(0)) {
    await tested[Symbol.asyncDispose]();
    expect(tested.recorder.of('sessionClosed')).toHaveLength(1);
  }
});

/** Waits until a login was refused and its reply is held. */
async function untilHeld({ guard, recorder }: SessionUnderTest, logins = 1): Promise<void> {
  await eventually(() => guard.released.length === logins, 'the login is over');
  await eventually(() => recorder.of('loginFinished').length === logins, 'the login is reported');
  await new Promise((resolve) => setImmediate(resolve));
}

describe('the reply to a failed login', () => {
  it('waits as long as the guard wants it to, when all else is done', async () => {
    const tested = await begin(4_000);
    const reply = logInAs(tested.client);
    await untilHeld(tested);
    vi.advanceTimersByTime(3_999);
    await new Promise((resolve) => setImmediate(resolve));
    expect(tested.client.received).not.toContain('-ERR');
    vi.advanceTimersByTime(1);
    expect(await reply).toBe(no);
  });

  it('waits where the guard refused it, too', async () => {
    const tested = await begin(0);
    const text = '[SYS/TEMP] Too many failed logins. Please try again in 5 minutes';
    tested.guard.verdict = { kind: 'refused', reason: 'limit', limit: 'perAccount', reply: text, delayMs: 8_000 };
    const reply = logInAs(tested.client);
    await eventually(() => tested.recorder.of('loginFinished').length === 1, 'the login is reported');
    await new Promise((resolve) => setImmediate(resolve));
    expect(tested.client.received).not.toContain('-ERR');
    vi.advanceTimersByTime(8_000);
    expect(await reply).toBe(`-ERR ${text}\r\n`);
  });

  it('keeps back what the client sends behind it, in order', async () => {
    const tested = await begin(1_000);
    tested.client.send('USER alice@corp.test\r\nPASS wrong\r\nNOOP\r\nQUIT\r\n');
    await untilHeld(tested);
    expect(tested.client.received).not.toContain('-ERR');
    vi.advanceTimersByTime(1_000);
    expect(await tested.client.rest()).toMatch(/^\+OK .+\r\n-ERR \[AUTH\] No\r\n-ERR .+\r\n\+OK .+\r\n$/);
  });

  it('ends with a client that goes away', async () => {
    const tested = await begin(8_000);
    const reply = logInAs(tested.client).catch(() => 'gone');
    await untilHeld(tested);
    tested.client.socket.resetAndDestroy();
    expect(await reply).toBe('gone');
    await tested.recorder.first('sessionClosed');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('goes out at once when the gate is drained', async () => {
    const tested = await begin(8_000);
    const reply = logInAs(tested.client);
    await untilHeld(tested);
    tested.hold.end();
    expect(await reply).toBe(no);
  });

  it('comes before the login time-out, whatever the guard wants', async () => {
    const tested = await begin(policies.plaintext.loginTimeoutMs * 2);
    const reply = logInAs(tested.client);
    await untilHeld(tested);
    vi.advanceTimersByTime(policies.plaintext.loginTimeoutMs / 2);
    expect(await reply).toBe(no);
  });

  it('closes the session with the third, a remembered one counted', async () => {
    const tested = await begin(0);
    expect(await logInAs(tested.client)).toBe(no);
    expect(await logInAs(tested.client)).toBe(no);
    tested.guard.verdict = { kind: 'refused', reason: 'remembered', reply: '[AUTH] Not again', delayMs: 0 };
    await tested.client.ask('USER alice@corp.test');
    tested.client.send('PASS wrong\r\n');
    expect(await tested.client.rest()).toContain('-ERR [AUTH] Not again\r\n');
    tested.client.socket.end();
    expect(await tested.recorder.first('sessionClosed')).toMatchObject({ reason: 'login_attempts' });
  });
});

describe('a live session', () => {
  it('is told to the guard from the login to the end', async () => {
    const { client, session, guard, upstream, recorder } = await begin(0);
    upstream.answer = () => upstream.accept();
    expect(guard.live.size).toBe(0);
    await logInAs(client, 'Alice@Corp.Test');
    expect([...guard.live]).toEqual([{ account: 'alice@corp.test', sessionId: 's1' }]);
    session.end('ended_by_operator');
    await recorder.first('sessionClosed');
    expect(guard.live.size).toBe(0);
  });

  it('is none before the login', async () => {
    const { client, guard, recorder } = await begin(0);
    await logInAs(client);
    expect(guard.live.size).toBe(0);
    client.socket.destroy();
    await recorder.first('sessionClosed');
    expect(guard.live.size).toBe(0);
  });
});
