import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createSecureContext, createServer, type SecureVersion, TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { IssuedCertificate } from '../../src/net/certificate-authority.ts';
import { createUpstreamDialer } from '../../src/net/upstream-dialer.ts';
import type { Upstream } from '../../src/policy/upstream.ts';
import type { UpstreamConnectionFacts, UpstreamLogin } from '../../src/proxy/ports.ts';
import type { ScriptedUpstream } from '../e2e/scripted-upstream.ts';
import { Peer, portOf } from '../proxy/peer.ts';
import { credentials, plainCapabilities, UpstreamTest } from './upstream-under-test.ts';

const hourMs = 3_600_000;
const tested = new UpstreamTest();
beforeAll(() => tested.start());
afterEach(() => tested.reset());
afterAll(() => tested.stop());

/** A dialer with a clock of its own, and what it tells. */
class DialerUnderTest {
  nowMs = 0;
  readonly connected: UpstreamConnectionFacts[] = [];
  readonly #logIn = createUpstreamDialer({ isOwnEndpoint: () => false, nowMs: () => this.nowMs });

  logIn(upstream: Upstream, signal = new AbortController().signal): Promise<UpstreamLogin> {
    return this.#logIn({ upstream, credentials, signal, onConnected: (facts) => this.connected.push(facts) });
  }

  /** Logs in and out again; what the upstream says last is read, and with it any session it gives. */
  async visit(upstream: Upstream): Promise<void> {
    const login = await this.logIn(upstream);
    if (login.kind !== 'accepted') throw new Error(`Cannot go on: the login was ${JSON.stringify(login)}`);
    const peer = new Peer(login.session.socket);
    login.session.socket.resume();
    await peer.ask('NOOP');
    peer.socket.destroy();
  }

  get resumed(): readonly boolean[] {
    return this.connected.map(({ tls }) => tls.isResumed);
  }
}

/** A server whose sessions can be resumed on any of its connections. */
async function serveResumable(
  start: 'implicit' | 'stls',
  { version, certificate = tested.certificates.valid }: { version: SecureVersion; certificate?: IssuedCertificate },
): Promise<{ readonly port: number; readonly reused: readonly boolean[] }> {
  const reused: boolean[] = [];
  const sessions = { ticketKeys: randomBytes(48), sessionIdContext: 'test', maxVersion: version };
  const { port } = await tested.serve({
    tls: { ...certificate, ...sessions, start },
    answer: (line, { socket }) => {
      // A login's own line: by then a handshake is over, and the connection is not yet.
      if (line.startsWith('USER') && socket instanceof TLSSocket) reused.push(socket.isSessionReused());
      return undefined;
    },
  });
  return { port, reused };
}

describe('a login', () => {
  it('tells of the connection before the credentials are sent', async () => {
    const dialer = new DialerUnderTest();
    const seen: (readonly string[])[] = [];
    const server = await tested.serve({
      ...tested.implicit(),
      answer: (line, { lines }) => {
        if (line === 'CAPA') dialer.nowMs += 5;
        if (dialer.connected.length > 0) seen.push([...lines]);
        return undefined;
      },
    });
    const login = await dialer.logIn(tested.upstreamAt(server.port));
    expect(seen[0]).toEqual(['CAPA', `USER ${credentials.username}`]);
    expect(dialer.connected).toEqual([
      {
        address: '127.0.0.1',
        tls: expect.objectContaining({ version: 'TLSv1.3', cipher: expect.stringMatching(/^TLS_/), isResumed: false }),
        durationMs: 5,
        handshakeMs: expect.any(Number),
      },
    ]);
    expect(login).toMatchObject({ kind: 'accepted', reply: { isOk: true } });
    if (login.kind === 'accepted') login.session.socket.destroy();
  });

  it.each(['implicit', 'stls'] as const)('over %s TLS tells how long the handshake took', async (start) => {
    const dialer = new DialerUnderTest();
    const server = await tested.serve({ tls: { ...tested.certificates.valid, start } });
    const startedAtMs = performance.now();
    const tls = start === 'stls' ? 'starttls' : start;
    const login = await dialer.logIn({ ...tested.upstreamAt(server.port), tls });
    const elapsedMs = performance.now() - startedAtMs;
    expect(login).toMatchObject({ kind: 'accepted' });
    expect(dialer.connected[0]?.handshakeMs).toBeGreaterThan(0);
    expect(dialer.connected[0]?.handshakeMs).toBeLessThan(elapsedMs);
    if (login.kind === 'accepted') login.session.socket.destroy();
  });

  it('that fails says why, and tells of no connection', async () => {
    const dialer = new DialerUnderTest();
    const server = await tested.serve({ tls: { ...tested.certificates.expired, start: 'implicit' } });
    expect(await dialer.logIn(tested.upstreamAt(server.port))).toEqual({
      kind: 'failed',
      failure: { reason: 'expired', detail: 'certificate has expired' },
    });
    expect(dialer.connected).toEqual([]);
  });

  it('is given up when the client goes', async () => {
    const gone = new AbortController();
    const dialer = new DialerUnderTest();
    const server = await tested.serve({
      ...tested.implicit(),
      answer: (line) => {
        if (line.startsWith('USER')) gone.abort();
        return undefined;
      },
    });
    const login = await dialer.logIn(tested.upstreamAt(server.port), gone.signal);
    expect(login).toEqual({ kind: 'failed', failure: { reason: 'reset', detail: 'The client went away' } });
    await server.connections[0]?.ended;
  });
});

describe.for([
  { start: 'implicit', tls: 'implicit', version: 'TLSv1.3' },
  { start: 'implicit', tls: 'implicit', version: 'TLSv1.2' },
  { start: 'stls', tls: 'starttls', version: 'TLSv1.3' },
  { start: 'stls', tls: 'starttls', version: 'TLSv1.2' },
] as const)('sessions of $version over $start', ({ start, tls, version }) => {
  it('are resumed at the next login, by both sides’ account', async () => {
    const dialer = new DialerUnderTest();
    const server = await serveResumable(start, { version });
    const upstream = { ...tested.upstreamAt(server.port), tls };
    await dialer.visit(upstream);
    await dialer.visit(upstream);
    await dialer.visit(upstream);
    expect(dialer.connected.map((facts) => facts.tls.version)).toEqual([version, version, version]);
    expect(dialer.resumed).toEqual([false, true, true]);
    expect(server.reused).toEqual([false, true, true]);
  });

  it('are verified in full an hour after the last time, however often they were resumed', async () => {
    const dialer = new DialerUnderTest();
    const server = await serveResumable(start, { version });
    const upstream = { ...tested.upstreamAt(server.port), tls };
    await dialer.visit(upstream);
    dialer.nowMs = 0.5 * hourMs;
    await dialer.visit(upstream);
    dialer.nowMs = hourMs - 1;
    await dialer.visit(upstream);
    dialer.nowMs = hourMs;
    await dialer.visit(upstream);
    dialer.nowMs = 1.5 * hourMs;
    await dialer.visit(upstream);
    expect(dialer.resumed).toEqual([false, true, true, false, true]);
  });
});

describe('a session', () => {
  it('is not taken to another upstream, though it were the same server', async () => {
    const dialer = new DialerUnderTest();
    const server = await serveResumable('implicit', { version: 'TLSv1.3' });
    await dialer.visit(tested.upstreamAt(server.port));
    await dialer.visit({ ...tested.upstreamAt(server.port), serverName: '127.0.0.1' });
    expect(dialer.resumed).toEqual([false, false]);
  });

  it('does not come from a server that could not be verified', async () => {
    const dialer = new DialerUnderTest();
    // The same keys, first with a name that is not its own: a ticket of its would be good for both.
    const ticketKeys = randomBytes(48);
    let certificate = tested.certificates.wrongName;
    const handshakes: boolean[] = [];
    const server = createServer(
      { SNICallback: (_name, done) => done(null, createSecureContext({ ...certificate, ticketKeys })), ticketKeys },
      (socket) => {
        handshakes.push(socket.isSessionReused());
        socket.on('error', () => {}).end('-ERR Closed\r\n');
      },
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const upstream = tested.upstreamAt(portOf(server));
    expect(await dialer.logIn(upstream)).toMatchObject({ kind: 'failed', failure: { reason: 'name_mismatch' } });
    certificate = tested.certificates.valid;
    expect(await dialer.logIn(upstream)).toMatchObject({ kind: 'failed', failure: { reason: 'unavailable' } });
    expect(handshakes.at(-1)).toBe(false);
    server.close();
    await once(server, 'close');
  });
});

describe('capabilities', () => {
  async function serveCounting(passwordReply: () => string): Promise<ScriptedUpstream> {
    return tested.serve({
      ...tested.implicit(),
      answer: (line) => {
        if (line === 'CAPA') return plainCapabilities;
        return line.startsWith('AUTH') ? passwordReply() : undefined;
      },
    });
  }

  const verbs = (server: ScriptedUpstream): readonly string[] =>
    server.connections.map(({ lines }) => lines.map((line) => line.split(' ')[0]).join(' '));

  it('are asked for once in ten minutes', async () => {
    const dialer = new DialerUnderTest();
    const server = await serveCounting(() => '+OK\r\n');
    const upstream = tested.upstreamAt(server.port);
    await dialer.visit(upstream);
    dialer.nowMs = 599_999;
    await dialer.visit(upstream);
    dialer.nowMs = 600_000;
    await dialer.visit(upstream);
    expect(verbs(server)).toEqual(['CAPA AUTH NOOP', 'AUTH NOOP', 'CAPA AUTH NOOP']);
  });

  it('are asked for anew once a login was refused', async () => {
    const dialer = new DialerUnderTest();
    const replies = ['+OK\r\n', '-ERR Unknown mechanism\r\n', '+OK\r\n'];
    const server = await serveCounting(() => replies.shift() ?? '');
    const upstream = tested.upstreamAt(server.port);
    await dialer.visit(upstream);
    expect(await dialer.logIn(upstream)).toMatchObject({ kind: 'refused' });
    await dialer.visit(upstream);
    expect(verbs(server)).toEqual(['CAPA AUTH NOOP', 'AUTH', 'CAPA AUTH NOOP']);
  });

  it('from before the handshake are not used behind it', async () => {
    const dialer = new DialerUnderTest();
    const server = await tested.serve({
      ...tested.stls(),
      answer: (line, { socket }) => {
        if (line !== 'CAPA') return undefined;
        return 'encrypted' in socket ? '+OK\r\nUSER\r\n.\r\n' : '+OK\r\nSTLS\r\nSASL PLAIN\r\n.\r\n';
      },
    });
    const upstream = { ...tested.upstreamAt(server.port), tls: 'starttls' } as const;
    await dialer.visit(upstream);
    await dialer.visit(upstream);
    expect(verbs(server)).toEqual(['CAPA STLS CAPA USER PASS NOOP', 'CAPA STLS USER PASS NOOP']);
  });
});
