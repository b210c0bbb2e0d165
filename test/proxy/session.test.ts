import { afterEach, describe, expect, it } from 'vitest';
import type { UpstreamLogin } from '../../src/proxy/ports.ts';
import { eventually, nextOf } from './peer.ts';
import {
  createFakePorts,
  enter,
  logInAs,
  openSession,
  password,
  policies,
  type SessionUnderTest,
  statusReply,
} from './session-under-test.ts';

const open: SessionUnderTest[] = [];

async function begin(...args: Parameters<typeof openSession>): Promise<SessionUnderTest> {
  const tested = await openSession(...args);
  open.push(tested);
  return tested;
}

afterEach(async () => {
  for (const tested of open.splice(0)) {
    await tested[Symbol.asyncDispose]();
    expect(tested.recorder.of('sessionOpened')).toHaveLength(1);
    expect(tested.recorder.of('sessionClosed')).toHaveLength(1);
    expect(tested.closedCalls).toEqual(['closed']);
    expect(JSON.stringify(tested.recorder.events)).not.toContain(password);
  }
});

describe.for(['plaintext', 'stls', 'implicit'] as const)('a session over %s', (transport) => {
  it('goes from greeting to close, and reports each step once', async () => {
    const { client, recorder, upstream, guard, closedCalls } = await begin(policies[transport]);
    const secured = await enter(client, transport);
    expect(await logInAs(secured)).toBe('+OK maildrop ready\r\n');
    secured.send('STAT\r\n');
    expect(await upstream.server.line()).toBe('STAT\r\n');
    upstream.server.send('+OK 2 320\r\n');
    expect(await secured.line()).toBe('+OK 2 320\r\n');
    secured.send('QUIT\r\n');
    expect(await upstream.server.line()).toBe('QUIT\r\n');
    upstream.server.socket.end('+OK bye\r\n');
    expect(await secured.rest()).toBe('+OK bye\r\n');
    secured.socket.end();
    await recorder.first('sessionClosed');

    const handshake = transport === 'plaintext' ? [] : ['clientTlsEstablished'];
    expect(recorder.kinds).toEqual([
      'sessionOpened',
      ...handshake,
      'upstreamConnected',
      'loginFinished',
      'relayStarted',
      'sessionClosed',
    ]);
    const identity = { sessionId: 's1', listener: 'lan', address: '127.0.0.1' };
    for (const event of recorder.events) expect(event).toMatchObject(identity);
    expect(recorder.of('sessionOpened')[0]).toMatchObject({
      port: expect.any(Number),
      transport: transport === 'implicit' ? 'implicit' : 'plaintext',
    });
    expect(recorder.of('loginFinished')[0]).toMatchObject({ transport, result: 'accepted', upstream: 'corp' });
    expect(recorder.of('relayStarted')[0]).toMatchObject({ account: 'alice@corp.test', upstream: 'corp' });
    expect(recorder.of('sessionClosed')[0]).toMatchObject({
      reason: 'upstream_closed',
      traffic: { toUpstream: 12, toClient: 20 },
    });
    expect(upstream.requests.map(({ credentials }) => credentials)).toEqual([
      { username: 'alice@corp.test', password },
    ]);
    expect(guard.settled).toMatchObject([
      { attempt: { ...identity, account: 'alice@corp.test' }, outcome: 'accepted' },
    ]);
    expect(closedCalls).toEqual(['closed']);
  });

  it('hands over what came behind PASS, and passes on what the upstream sent behind its reply', async () => {
    const { client, upstream } = await begin(policies[transport]);
    upstream.answer = () => upstream.accept({ received: '+OK early\r\n' });
    const secured = await enter(client, transport);
    secured.send(`USER alice@corp.test\r\nPASS ${password}\r\nSTAT\r\nLIST\r\nRETR 1\r\nQU`);
    expect(await secured.line()).toBe('+OK Send PASS\r\n');
    expect(await secured.line()).toBe('+OK maildrop ready\r\n');
    expect(await secured.line()).toBe('+OK early\r\n');
    secured.send('IT\r\n');
    expect(await upstream.server.until('QUIT\r\n')).toBe('STAT\r\nLIST\r\nRETR 1\r\nQUIT\r\n');
  });

  it('serves a client that closes its sending side behind a whole session in one segment', async () => {
    const { client, upstream, recorder } = await begin(policies[transport]);
    const secured = await enter(client, transport);
    secured.socket.end(`USER alice@corp.test\r\nPASS ${password}\r\nSTAT\r\nQUIT\r\n`);
    await recorder.first('relayStarted');
    expect(await upstream.server.until('QUIT\r\n')).toBe('STAT\r\nQUIT\r\n');
    upstream.server.socket.end('+OK 0 0\r\n+OK bye\r\n');
    expect(await secured.rest()).toBe('+OK Send PASS\r\n+OK maildrop ready\r\n+OK 0 0\r\n+OK bye\r\n');
  });

  it('answers QUIT before the login and closes', async () => {
    const { client, recorder, upstream } = await begin(policies[transport]);
    const secured = await enter(client, transport);
    secured.send('QUIT\r\n');
    expect(await secured.rest()).toBe('+OK Bye\r\n');
    secured.socket.end();
    expect(await recorder.first('sessionClosed')).toMatchObject({ reason: 'quit', traffic: { toUpstream: 0 } });
    expect(upstream.requests).toEqual([]);
  });

  it('takes the end of the connection before the login for a farewell', async () => {
    const { client, recorder } = await begin(policies[transport]);
    const secured = await enter(client, transport);
    secured.socket.end('USER alice@corp.te');
    expect(await secured.rest()).toBe('');
    expect(await recorder.first('sessionClosed')).toMatchObject({ reason: 'client_closed' });
  });
});

describe('a login', () => {
  it('may follow a refused one', async () => {
    const { client, upstream, guard, recorder } = await begin(policies.plaintext);
    await client.line();
    upstream.answer = async () => ({ kind: 'refused', reply: statusReply('-ERR [AUTH] Wrong password') });
    expect(await logInAs(client)).toBe('-ERR [AUTH] Wrong password\r\n');
    upstream.answer = () => upstream.accept();
    expect(await logInAs(client)).toBe('+OK maildrop ready\r\n');
    client.send('NOOP\r\n');
    expect(await upstream.server.line()).toBe('NOOP\r\n');
    expect(recorder.of('loginFinished').map(({ result }) => result)).toEqual(['refused', 'accepted']);
    expect(guard.settled.map(({ outcome }) => outcome)).toEqual(['refused', 'accepted']);
  });

  it('may be pipelined behind a refused one', async () => {
    const { client, upstream } = await begin(policies.plaintext);
    upstream.answer = async ({ credentials }) =>
      credentials.password === 'wrong'
        ? { kind: 'refused', reply: statusReply('-ERR No') }
        : upstream.accept({ reply: '+OK' });
    client.send(`USER alice@corp.test\r\nPASS wrong\r\nUSER alice@corp.test\r\nPASS ${password}\r\nSTAT\r\n`);
    await client.line();
    expect(await client.line()).toBe('+OK Send PASS\r\n');
    expect(await client.line()).toBe('-ERR [AUTH] No\r\n');
    expect(await client.line()).toBe('+OK Send PASS\r\n');
    expect(await client.line()).toMatch(/^\+OK/);
    expect(await upstream.server.line()).toBe('STAT\r\n');
  });

  it('that is refused a third time ends the session', async () => {
    const { client, upstream, recorder } = await begin(policies.plaintext);
    await client.line();
    upstream.answer = async () => ({ kind: 'refused', reply: statusReply('-ERR [AUTH] Wrong password') });
    await logInAs(client);
    await logInAs(client);
    expect(await logInAs(client)).toBe('-ERR [AUTH] Wrong password\r\n');
    expect(await client.rest()).toBe('');
    client.socket.end();
    expect(await recorder.first('sessionClosed')).toMatchObject({ reason: 'login_attempts' });
  });

  it('that is refused behind the end of the connection ends the session', async () => {
    const { client, upstream, recorder, socket } = await begin(policies.plaintext);
    const login = Promise.withResolvers<UpstreamLogin>();
    upstream.answer = () => login.promise;
    client.socket.end(`USER alice@corp.test\r\nPASS ${password}\r\n`);
    await eventually(() => socket.readableEnded, 'the end of the client has arrived');
    login.resolve({ kind: 'refused', reply: statusReply('-ERR [AUTH] Wrong password') });
    expect(await client.rest()).toMatch(/-ERR \[AUTH\] Wrong password\r\n$/);
    expect(await recorder.first('sessionClosed')).toMatchObject({ reason: 'client_closed' });
  });

  it('goes on for a client that has closed its sending side, whose end the upstream then gets', async () => {
    const { client, upstream, recorder, socket } = await begin(policies.plaintext);
    const login = Promise.withResolvers<UpstreamLogin>();
    upstream.answer = () => login.promise;
    client.socket.end(`USER alice@corp.test\r\nPASS ${password}\r\nSTAT\r\n`);
    await eventually(() => socket.readableEnded, 'the end of the client has arrived');
    login.resolve(await upstream.accept());
    await recorder.first('relayStarted');
    expect(await upstream.server.rest()).toBe('STAT\r\n');
    upstream.server.socket.end('+OK 0 0\r\n');
    expect(await client.rest()).toMatch(/\+OK maildrop ready\r\n\+OK 0 0\r\n$/);
    expect(await recorder.first('sessionClosed')).toMatchObject({ reason: 'client_closed' });
  });

  it('whose upstream is gone before the relay begins can be tried again', async () => {
    const { client, upstream, guard, recorder } = await begin(policies.plaintext);
    const settling = Promise.withResolvers<void>();
    guard.settling = settling.promise;
    await client.line();
    client.send(`USER alice@corp.test\r\nPASS ${password}\r\n`);
    await eventually(() => guard.settled.length > 0, 'the guard is told');
    upstream.server.socket.resetAndDestroy();
    await nextOf(upstream.socket, ['close']);
    settling.resolve();
    expect(await client.line()).toBe('+OK Send PASS\r\n');
    const reply = '[SYS/TEMP] pop.corp.test closed the connection. Please try again later';
    expect(await client.line()).toBe(`-ERR ${reply}\r\n`);
    expect(recorder.of('loginFinished')).toMatchObject([
      { result: 'unreachable', reply, failure: { reason: 'reset' } },
    ]);
    expect(await logInAs(client)).toBe('+OK maildrop ready\r\n');
  });

  it('holds up a client that sends more than 64 KiB behind it, and loses nothing of it', async () => {
    const { client, upstream, socket } = await begin(policies.plaintext);
    const login = Promise.withResolvers<UpstreamLogin>();
    upstream.answer = () => login.promise;
    const commands = Array.from({ length: 400_000 }, (_, index) => `TOP ${index} 0\r\n`).join('');
    client.send(`USER alice@corp.test\r\nPASS ${password}\r\n${commands}`);
    await eventually(() => socket.isPaused(), 'the client is held up');
    // What the stream itself has in hand adds one read to what the session keeps.
    expect(socket.bytesRead).toBeLessThan(4 * 65_536);
    login.resolve(await upstream.accept());
    const last = 'TOP 399999 0\r\n';
    expect((await client.until('maildrop ready\r\n')).length).toBeGreaterThan(0);
    expect((await upstream.server.until(last)) === commands).toBe(true);
  });
});

describe('an error of our own', () => {
  it('ends the session it happened in, with its cause, and no other', async () => {
    const fakes = createFakePorts();
    const other = await begin(policies.plaintext);
    const broken = await begin(policies.plaintext, fakes);
    const error = new Error('The guard fell over');
    fakes.guard.error = error;
    await broken.client.line();
    broken.client.send(`USER alice@corp.test\r\nPASS ${password}\r\n`);
    expect(await broken.client.rest()).toBe('+OK Send PASS\r\n');
    expect(await fakes.recorder.first('sessionClosed')).toMatchObject({ reason: 'internal_error', cause: error });
    await other.client.line();
    expect(await logInAs(other.client)).toBe('+OK maildrop ready\r\n');
  });
});
