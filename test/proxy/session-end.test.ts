import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { UpstreamLogin } from '../../src/proxy/ports.ts';
import { eventually, nextOf, type Peer } from './peer.ts';
import { enter, logInAs, openSession, password, policies, type SessionUnderTest } from './session-under-test.ts';

const loginTimeoutMs = policies.plaintext.loginTimeoutMs;
const open: SessionUnderTest[] = [];

async function begin(...args: Parameters<typeof openSession>): Promise<SessionUnderTest> {
  const tested = await openSession(...args);
  open.push(tested);
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
    expect(tested.recorder.of('sessionOpened')).toHaveLength(1);
    expect(tested.recorder.of('sessionClosed')).toHaveLength(1);
    expect(tested.closedCalls).toEqual(['closed']);
  }
});

/** Walks a session to one of its stages before the relay; resolves to the client as it then is. */
const stages = {
  greeted: async ({ client }: SessionUnderTest) => {
    await client.line();
    return client;
  },
  'asked for PASS': async ({ client }: SessionUnderTest) => {
    await client.line();
    await client.ask('USER alice@corp.test');
    return client;
  },
  'asked for a PLAIN message': async ({ client }: SessionUnderTest) => {
    const secured = await enter(client, 'stls');
    await secured.ask('AUTH PLAIN');
    return secured;
  },
  authenticating: async ({ client, upstream }: SessionUnderTest) => {
    upstream.answer = ({ signal }) => untilAborted(signal);
    await client.line();
    await client.ask('USER alice@corp.test');
    client.send(`PASS ${password}\r\n`);
    await upstream.request();
    return client;
  },
} satisfies Record<string, (tested: SessionUnderTest) => Promise<Peer>>;

const plaintextStages = ['greeted', 'asked for PASS', 'authenticating'] as const;

/** As the dialer answers when the client is gone. */
async function untilAborted(signal: AbortSignal) {
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
  return { kind: 'failed', failure: { reason: 'reset', detail: 'The client went away' } } as const;
}

describe('the login time-out', () => {
  it.each([
    { stage: 'greeted', policy: policies.plaintext },
    { stage: 'asked for PASS', policy: policies.plaintext },
    { stage: 'asked for a PLAIN message', policy: policies.stls },
    { stage: 'authenticating', policy: policies.plaintext },
  ] as const)('ends a session that is $stage, and says so', async ({ stage, policy }) => {
    const tested = await begin(policy);
    const client = await stages[stage](tested);
    vi.advanceTimersByTime(loginTimeoutMs - 1);
    expect(tested.recorder.of('sessionClosed')).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(await client.rest()).toBe('-ERR [SYS/TEMP] The login took too long\r\n');
    client.socket.end();
    expect(await tested.recorder.first('sessionClosed')).toMatchObject({ reason: 'login_timeout' });
  });

  it('gives up the login that is under way', async () => {
    const tested = await begin(policies.plaintext);
    const client = await stages.authenticating(tested);
    const { signal } = await tested.upstream.request();
    vi.advanceTimersByTime(loginTimeoutMs);
    expect(signal.aborted).toBe(true);
    expect(await tested.recorder.first('loginFinished')).toMatchObject({ result: 'cancelled' });
    expect(await client.rest()).toBe('-ERR [SYS/TEMP] The login took too long\r\n');
  });

  it.each(['implicit', 'stls'] as const)('cuts a handshake of %s without a word', async (transport) => {
    const { client, recorder } = await begin(policies[transport]);
    if (transport === 'stls') {
      await client.line();
      await client.ask('STLS');
    }
    vi.advanceTimersByTime(loginTimeoutMs);
    expect(await client.rest()).toBe('');
    expect(await recorder.first('sessionClosed')).toMatchObject({ reason: 'login_timeout' });
    expect(recorder.of('clientTlsFailed')).toEqual([]);
  });

  it('is over once the login stands', async () => {
    const { client, upstream, recorder } = await begin(policies.plaintext);
    await client.line();
    await logInAs(client);
    vi.advanceTimersByTime(10 * loginTimeoutMs);
    client.send('NOOP\r\n');
    expect(await upstream.server.line()).toBe('NOOP\r\n');
    expect(recorder.of('sessionClosed')).toEqual([]);
  });

  it('counts from the greeting, not from the last command', async () => {
    const { client } = await begin(policies.plaintext);
    await client.line();
    vi.advanceTimersByTime(loginTimeoutMs / 2);
    await client.ask('USER alice@corp.test');
    vi.advanceTimersByTime(loginTimeoutMs / 2);
    expect(await client.line()).toBe('-ERR [SYS/TEMP] The login took too long\r\n');
  });
});

describe('a client that goes away during its login', () => {
  it('gives up the login', async () => {
    const tested = await begin(policies.plaintext);
    const client = await stages.authenticating(tested);
    const { signal } = await tested.upstream.request();
    expect(signal.aborted).toBe(false);
    client.socket.resetAndDestroy();
    await nextOf(tested.socket, ['close']);
    expect(signal.aborted).toBe(true);
    expect(await tested.recorder.first('sessionClosed')).toMatchObject({ reason: 'client_reset' });
    expect(await tested.recorder.first('loginFinished')).toMatchObject({ result: 'cancelled' });
    expect(tested.recorder.of('relayStarted')).toEqual([]);
  });

  it('leaves no connection behind when the upstream accepts all the same', async () => {
    const { client, upstream, recorder, socket } = await begin(policies.plaintext);
    const login = Promise.withResolvers<UpstreamLogin>();
    upstream.answer = () => login.promise;
    await client.line();
    await client.ask('USER alice@corp.test');
    client.send(`PASS ${password}\r\nQUIT\r\n`);
    await upstream.request();
    client.socket.resetAndDestroy();
    await nextOf(socket, ['close']);
    login.resolve(await upstream.accept());
    expect(await upstream.server.rest()).toBe('');
    expect(upstream.socket.destroyed).toBe(true);
    expect(recorder.of('relayStarted')).toEqual([]);
  });
});

describe('end', () => {
  it.each(plaintextStages)('cuts a session that is %s, without a word', async (stage) => {
    const tested = await begin(policies.plaintext);
    const client = await stages[stage](tested);
    tested.session.end('ended_by_operator');
    expect(await client.rest()).toBe('');
    expect(await tested.recorder.first('sessionClosed')).toMatchObject({ reason: 'ended_by_operator' });
    const requests = tested.upstream.requests.map(({ signal }) => signal.aborted);
    expect(requests).toEqual(stage === 'authenticating' ? [true] : []);
  });

  it.each(['implicit', 'stls'] as const)('cuts a handshake of %s', async (transport) => {
    const { client, recorder, session } = await begin(policies[transport]);
    if (transport === 'stls') {
      await client.line();
      await client.ask('STLS');
    }
    session.end('ended_by_operator');
    expect(await client.rest()).toBe('');
    expect(await recorder.first('sessionClosed')).toMatchObject({ reason: 'ended_by_operator' });
    expect(recorder.of('clientTlsFailed')).toEqual([]);
  });

  it.each(['plaintext', 'stls', 'implicit'] as const)(
    'cuts both sides of a relay over %s, with no QUIT',
    async (transport) => {
      const { client, recorder, session, upstream } = await begin(policies[transport]);
      const secured = await enter(client, transport);
      await logInAs(secured);
      secured.send('DELE 1\r\n');
      await upstream.server.line();
      session.end('ended_by_operator');
      expect(await upstream.server.rest()).toBe('');
      expect(await secured.rest()).toBe('');
      expect(await recorder.first('sessionClosed')).toMatchObject({ reason: 'ended_by_operator' });
    },
  );

  it('keeps the reason it was given first', async () => {
    const { client, recorder, session } = await begin(policies.plaintext);
    await client.line();
    session.end('ended_by_operator');
    session.end('drained');
    expect(await recorder.first('sessionClosed')).toMatchObject({ reason: 'ended_by_operator' });
    session.end('drained');
  });
});

describe('the last reply', () => {
  it('waits some seconds for a client that does not close, then the connection is cut', async () => {
    const { client, recorder, socket } = await begin(policies.plaintext);
    await client.line();
    client.send('QUIT\r\n');
    expect(await client.rest()).toBe('+OK Bye\r\n');
    vi.advanceTimersByTime(4_999);
    expect(socket.destroyed).toBe(false);
    vi.advanceTimersByTime(1);
    expect(socket.destroyed).toBe(true);
    expect(await recorder.first('sessionClosed')).toMatchObject({ reason: 'quit' });
  });

  it('is cut from a client that never reads and never stops sending', async () => {
    const { client, recorder, socket } = await begin(policies.plaintext);
    client.socket.pause();
    client.send(`${'x'.repeat(600)}\r\n${'NOOP\r\n'.repeat(100_000)}`);
    await eventually(() => socket.writableEnded, 'the session is closing');
    expect(recorder.of('sessionClosed')).toEqual([]);
    vi.advanceTimersByTime(5_000);
    expect(await recorder.first('sessionClosed')).toMatchObject({ reason: 'line_too_long' });
  });
});
