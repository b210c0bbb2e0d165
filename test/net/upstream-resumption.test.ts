import { randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp, createServer as createTcpServer } from 'node:net';
import { createServer, type TlsOptions } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { publicKeyPin } from '../../src/net/peer-chain.ts';
import { createUpstreamDialer } from '../../src/net/upstream-dialer.ts';
import type { Upstream } from '../../src/policy/upstream.ts';
import type { TlsFacts } from '../../src/proxy/events.ts';
import { portOf } from '../proxy/peer.ts';
import { type AuthorityChain, createAuthorityChain } from '../support/authority-chain.ts';
import { createTestCertificates, type TestCertificates } from '../support/certificates.ts';
import { credentials } from './upstream-under-test.ts';

let chain: AuthorityChain;
let certificates: TestCertificates;
let stack = new AsyncDisposableStack();

beforeAll(async () => {
  [chain, certificates] = await Promise.all([createAuthorityChain(), createTestCertificates()]);
});
afterEach(async () => {
  await stack.disposeAsync();
  stack = new AsyncDisposableStack();
});
afterAll(() => Promise.all([chain[Symbol.asyncDispose](), certificates[Symbol.asyncDispose]()]));

const pinOf = (pem: string): string => publicKeyPin(new X509Certificate(pem));

/** A server that says yes to everything, with tickets that its connections share. */
async function serve(options: TlsOptions = {}) {
  const heard: string[] = [];
  const server = createServer({ ...chain.good, ...options }, (socket) => {
    socket
      .on('error', () => {})
      .on('data', (octets: Buffer) => {
        heard.push(octets.toString('latin1'));
        socket.write(octets.toString('latin1').startsWith('CAPA') ? '+OK\r\nUSER\r\n.\r\n' : '+OK\r\n');
      });
    socket.write('+OK\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(async () => {
    server.close();
    await once(server, 'close');
  });
  return { server, heard, upstream: upstreamAt(portOf(server)) };
}

function upstreamAt(port: number): Upstream {
  const fixed = {
    name: 'sandbox',
    host: '127.0.0.1',
    tls: 'implicit',
    minVersion: 'TLSv1.2',
    username: 'address',
  } as const;
  return { ...fixed, port, serverName: 'localhost', ca: chain.root };
}

/** Logs in and out; tells what the connection agreed on, or why there was no login. */
function visitor(): (upstream: Upstream) => Promise<TlsFacts | string> {
  const logIn = createUpstreamDialer({ isOwnEndpoint: () => false, nowMs: () => 0 });
  return async (upstream) => {
    let facts: TlsFacts | undefined;
    const onConnected = ({ tls }: { tls: TlsFacts }) => {
      facts = tls;
    };
    const login = await logIn({ upstream, credentials, signal: new AbortController().signal, onConnected });
    if (login.kind === 'accepted') login.session.socket.destroy();
    return login.kind === 'failed' ? login.failure.reason : (facts ?? 'not connected');
  };
}

describe.each(['TLSv1.3', 'TLSv1.2'] as const)('a session of %s', (maxVersion) => {
  const resumed = { version: maxVersion, isResumed: true };
  const full = { version: maxVersion, isResumed: false };

  it('that a pinned upstream gave is resumed', async () => {
    const visit = visitor();
    const { upstream } = await serve({ maxVersion });
    const pinned = { ...upstream, pins: [pinOf(chain.root)] };
    expect([await visit(pinned), await visit(pinned)]).toMatchObject([full, resumed]);
  });

  it.each<[string, (upstream: Upstream) => Upstream, string]>([
    ['other pins', (upstream) => ({ ...upstream, pins: [pinOf(chain.revoked.leaf)] }), 'pin_mismatch'],
    ['another authority', (upstream) => ({ ...upstream, ca: certificates.ca }), 'unknown_issuer'],
    ['another name', (upstream) => ({ ...upstream, serverName: 'elsewhere.test' }), 'name_mismatch'],
    ['a revocation list', (upstream) => ({ ...upstream, crl: [chain.crl.root, chain.crl.outdated] }), 'crl_unusable'],
  ])('is not taken to the same server configured anew with %s', async (_what, change, reason) => {
    const visit = visitor();
    const { upstream } = await serve({ maxVersion });
    expect(await visit(upstream)).toMatchObject(full);
    expect(await visit(change(upstream))).toBe(reason);
    expect(await visit(upstream)).toMatchObject(resumed);
  });

  it('is followed by a full handshake where the server does not know its ticket any more', async () => {
    const visit = visitor();
    const { server, upstream } = await serve({ maxVersion });
    expect(await visit(upstream)).toMatchObject(full);
    server.setTicketKeys(randomBytes(48));
    expect([await visit(upstream), await visit(upstream)]).toMatchObject([full, resumed]);
  });

  it('spares no check where the server does not know its ticket any more', async () => {
    const visit = visitor();
    const { server, upstream, heard } = await serve({ maxVersion });
    const pinned = { ...upstream, pins: [pinOf(chain.good.leaf)] };
    expect([await visit(upstream), await visit(pinned)]).toMatchObject([full, full]);
    heard.length = 0;
    server.setSecureContext({ ...chain.revoked, maxVersion });
    expect(await visit(pinned)).toBe('pin_mismatch');
    server.setSecureContext({ ...certificates.wrongName, maxVersion });
    expect(await visit({ ...upstream, ca: certificates.ca })).toBe('name_mismatch');
    expect(await visit(upstream)).toBe('unknown_issuer');
    expect(heard).toEqual([]);
  });
});

describe('an error behind a verified handshake', () => {
  it('is a broken connection, and no reason to say that the password was not sent', async () => {
    const { server, upstream, heard } = await serve();
    // A relay, so that a record can be spoilt on its way.
    const front = createTcpServer((socket) => {
      const inner = connectTcp({ host: '127.0.0.1', port: portOf(server) });
      for (const side of [socket, inner]) side.on('error', () => {});
      socket.on('data', (octets) => inner.write(octets));
      inner.on('data', (octets) => {
        const isAnswerToPassword = heard.some((line) => line.startsWith('PASS'));
        socket.write(isAnswerToPassword ? Buffer.concat([Buffer.of(0x17, 3, 3, 0, 32), Buffer.alloc(32)]) : octets);
      });
      socket.on('close', () => inner.destroy());
    });
    front.listen(0, '127.0.0.1');
    await once(front, 'listening');
    stack.defer(() => void front.close());
    expect(await visitor()({ ...upstream, port: portOf(front) })).toBe('reset');
    expect(heard.some((line) => line.startsWith('PASS'))).toBe(true);
  });
});

describe('the key exchange', () => {
  it('is the post-quantum hybrid where the server has it, resumed or not', async () => {
    const visit = visitor();
    const { upstream } = await serve();
    const keyExchange = 'X25519MLKEM768';
    expect([await visit(upstream), await visit(upstream)]).toMatchObject([
      { keyExchange, isResumed: false },
      { keyExchange, isResumed: true },
    ]);
  });

  it('is a classical one where the server has no other', async () => {
    const { upstream } = await serve({ ecdhCurve: 'X25519' });
    expect(await visitor()(upstream)).toMatchObject({ version: 'TLSv1.3', keyExchange: 'X25519' });
  });

  it("sends the hybrid's large key share no more to a server that chose a classical one", async () => {
    const visit = visitor();
    const { server, upstream } = await serve({ ecdhCurve: 'X25519' });
    const hellos: number[] = [];
    const front = createTcpServer((socket) => {
      socket.once('data', (hello) => {
        hellos.push(hello.length);
        socket.pause();
        socket.unshift(hello);
        server.emit('connection', socket);
      });
    });
    front.listen(0, '127.0.0.1');
    await once(front, 'listening');
    stack.defer(() => void front.close());
    const seen = { ...upstream, port: portOf(front) };
    expect([await visit(seen), await visit(seen)]).toMatchObject([{ isResumed: false }, { isResumed: true }]);
    // The share alone is 1,184 octets; a ticket comes in its place.
    expect((hellos[0] ?? 0) - (hellos[1] ?? 0)).toBeGreaterThan(700);
  });

  it('becomes the hybrid as soon as a server comes to have it', async () => {
    const visit = visitor();
    const { server, upstream } = await serve({ ecdhCurve: 'X25519' });
    expect(await visit(upstream)).toMatchObject({ keyExchange: 'X25519' });
    server.setSecureContext(chain.good);
    expect(await visit(upstream)).toMatchObject({ keyExchange: 'X25519MLKEM768' });
  });
});
