import { once } from 'node:events';
import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Authority, createAuthority, type IssuedCertificate } from '../../src/net/certificate-authority.ts';
import { createSecureClient } from '../../src/net/secure-client.ts';
import { ServerCertificates } from '../../src/net/server-certificates.ts';
import type { ClientCertificatePolicy, ClientTlsPolicy } from '../../src/policy/transport.ts';
import type { ClientHandshake } from '../../src/proxy/ports.ts';
import { connectPair, nextOf, Peer, portOf } from '../proxy/peer.ts';

const policy: ClientTlsPolicy = { tlsProfile: 'intermediate' };
const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;

let authority: Authority;
let rsa: IssuedCertificate;
let mail: IssuedCertificate;
let other: IssuedCertificate;
let wildcard: IssuedCertificate;
const servers: Server[] = [];
const sockets: Socket[] = [];

beforeAll(async () => {
  authority = await createAuthority({ name: 'Test authority' });
  [rsa, mail, other, wildcard] = await Promise.all([
    authority.issue({ names: ['rsa.test'], keyType: 'rsa' }),
    authority.issue({ names: ['mail.test'] }),
    authority.issue({ names: ['other.test', 'second.test'] }),
    authority.issue({ names: ['*.wild.test'] }),
  ]);
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) {
    server.close();
    await once(server, 'close');
  }
});

/** A server that secures each connection, at once or behind STLS, and greets. */
interface SecuringServer {
  readonly port: number;
  /** How each handshake ended, the oldest first. */
  readonly handshakes: readonly Promise<ClientHandshake>[];
}

async function serve(
  certificates: readonly IssuedCertificate[],
  { start = 'implicit' }: { start?: 'implicit' | 'stls' } = {},
): Promise<SecuringServer> {
  const pairs = certificates.map((certificate, index) => ({ name: `${index}`, ...certificate }));
  const secureClient = createSecureClient(new ServerCertificates(pairs));
  const handshakes: Promise<ClientHandshake>[] = [];
  const secure = (raw: Socket): void => {
    const handshake = secureClient(raw, policy);
    handshakes.push(handshake);
    void handshake.then((ended) => {
      if (ended.kind === 'failed') raw.destroy();
      else ended.socket.on('error', () => {}).write('+OK\r\n');
    });
  };
  const server = createServer({ allowHalfOpen: true }, (raw) => {
    sockets.push(raw);
    if (start === 'implicit') return secure(raw);
    raw.once('data', () => {
      raw.write('+OK Begin TLS\r\n');
      secure(raw);
    });
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: portOf(server), handshakes };
}

/** Connects as a client does, by STLS where `behind` is a connection that asked for it. */
function dial({ port }: SecuringServer, options: ConnectionOptions, behind?: Socket): TLSSocket {
  const place = behind === undefined ? { host: '127.0.0.1', port } : { socket: behind };
  const socket = connect({ rejectUnauthorized: false, ...options, ...place });
  sockets.push(socket);
  return socket;
}

async function greeted(server: SecuringServer, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = dial(server, options);
  await new Peer(socket).line();
  return socket;
}

async function refusedBy(server: SecuringServer, options: ConnectionOptions): Promise<Error> {
  const [error] = await once(dial(server, options), 'error');
  return error;
}

describe('the handshake with a client', () => {
  it.each([
    { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256' },
    { version: 'TLSv1.2', cipher: 'ECDHE-ECDSA-AES128-GCM-SHA256' },
  ] as const)('reports $version and takes the cipher we prefer', async ({ version, cipher }) => {
    const server = await serve([mail]);
    const ciphers =
      'TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256';
    const startedAtMs = performance.now();
    await greeted(server, { maxVersion: version, ciphers });
    const handshake = await server.handshakes[0];
    expect(handshake).toMatchObject({ kind: 'secured', tls: { version, cipher, isResumed: false } });
    const { durationMs } = handshake?.kind === 'secured' ? handshake : {};
    expect(durationMs).toBeGreaterThan(0);
    expect(durationMs).toBeLessThan(performance.now() - startedAtMs);
  });

  it('is refused to a client that speaks TLS 1.1 at most', async () => {
    const server = await serve([rsa]);
    expect(await refusedBy(server, old)).toMatchObject({ code: expect.stringMatching(/PROTOCOL/) });
    expect(await server.handshakes[0]).toEqual({
      kind: 'failed',
      isPlaintext: false,
      detail: expect.stringMatching(/unsupported protocol/i),
    });
  });

  it.each(['AES128-SHA', 'AES128-GCM-SHA256', 'ECDHE-RSA-AES128-SHA', 'DHE-RSA-AES128-GCM-SHA256'])(
    'is refused to a client that offers %s alone',
    async (cipher) => {
      const server = await serve([rsa]);
      await refusedBy(server, { maxVersion: 'TLSv1.2', ciphers: `${cipher}:@SECLEVEL=0` });
      expect(await server.handshakes[0]).toMatchObject({
        kind: 'failed',
        detail: expect.stringMatching(/no shared cipher/i),
      });
    },
  );

  it('fails with plaintext', async () => {
    const { connected, accepted } = await connectPair();
    sockets.push(connected, accepted);
    connected.write('USER alice\r\n');
    expect(await secure(accepted)).toMatchObject({ kind: 'failed', isPlaintext: true });
  });
});

describe.for(['nobody', 'request', 'require'] as const)('a handshake that asks for certificates: %s', (mode) => {
  const gone = {
    kind: 'failed',
    isPlaintext: false,
    detail: expect.stringMatching(/closed the connection during the handshake|ECONNRESET|socket hang up/),
  };

  it.each(['end', 'destroy', 'resetAndDestroy'] as const)('fails when the client leaves by %s', async (leave) => {
    const { connected, accepted } = await connectPair();
    sockets.push(connected, accepted);
    const handshake = secure(accepted, asking(mode));
    connected.on('error', () => {});
    connected[leave]();
    expect(await handshake).toEqual(gone);
  });

  it('fails when the client leaves because it does not trust our certificate', async () => {
    const { connected, accepted } = await connectPair();
    sockets.push(connected, accepted);
    const handshake = secure(accepted, asking(mode));
    await once(connect({ socket: connected, servername: 'mail.test' }), 'error');
    expect(await handshake).toEqual(gone);
  });

  it('fails on a connection that is gone already', async () => {
    const { connected, accepted } = await connectPair();
    sockets.push(connected);
    accepted.destroy();
    await nextOf(accepted, ['close']);
    expect(await secure(accepted, asking(mode))).toEqual(gone);
  });
});

describe.for(['nobody', 'request'] as const)('a client without a certificate, where asked for: %s', (mode) => {
  it('is read and answered behind the end of its sending side', async () => {
    const { connected, accepted } = await connectPair();
    sockets.push(connected, accepted);
    const handshake = secure(accepted, asking(mode));
    const client = new Peer(connect({ socket: connected, ca: authority.certificate, servername: 'mail.test' }));
    const ended = await handshake;
    if (ended.kind === 'failed') throw new Error(`Cannot go on: ${ended.detail}`);
    const server = new Peer(ended.socket);
    client.socket.end('QUIT\r\n');
    expect(await server.rest()).toBe('QUIT\r\n');
    server.send('+OK\r\n');
    expect(await client.line()).toBe('+OK\r\n');
  });
});

type Asked = 'nobody' | ClientCertificatePolicy['mode'];

function asking(mode: Asked): ClientTlsPolicy {
  return mode === 'nobody' ? policy : { ...policy, clientCertificates: { mode, ca: authority.certificate } };
}

/** One handshake with the one certificate. */
function secure(raw: Socket, asked = policy): Promise<ClientHandshake> {
  return createSecureClient(new ServerCertificates([{ name: 'test', ...mail }]))(raw, asked);
}

describe('the certificate shown', () => {
  it.each([
    { asked: 'mail.test', shown: 'mail.test' },
    { asked: 'other.test', shown: 'other.test' },
    { asked: 'OTHER.test', shown: 'other.test' },
    { asked: 'second.test', shown: 'other.test' },
    { asked: 'a.wild.test', shown: '*.wild.test' },
    { asked: 'b.a.wild.test', shown: 'mail.test' },
    { asked: 'wild.test', shown: 'mail.test' },
    { asked: 'nobody.test', shown: 'mail.test' },
    { asked: undefined, shown: 'mail.test' },
  ])('is that of $shown to a client that asks for $asked', async ({ asked, shown }) => {
    const server = await serve([mail, other, wildcard]);
    const socket = await greeted(server, asked === undefined ? {} : { servername: asked });
    expect(socket.getPeerCertificate().subject.CN).toBe(shown);
  });

  it('is the only one there is, whatever a client asks for', async () => {
    const socket = await greeted(await serve([other]), { servername: 'mail.test' });
    expect(socket.getPeerCertificate().subject.CN).toBe('other.test');
  });
});

describe.for([
  { start: 'implicit', version: 'TLSv1.2' },
  { start: 'implicit', version: 'TLSv1.3' },
  { start: 'stls', version: 'TLSv1.2' },
  { start: 'stls', version: 'TLSv1.3' },
] as const)('a session of $version over $start', ({ start, version }) => {
  it.each([1, 2])('is resumed by the client it was given to, with certificates: %i', async (count) => {
    const server = await serve([mail, other].slice(0, count), { start });
    const options = { servername: 'mail.test', maxVersion: version };
    const first = await visit(server, { start, options });
    const second = await visit(server, { start, options: { ...options, session: first.session } });
    expect([first.isReused, second.isReused]).toEqual([false, true]);
    const facts = await Promise.all(server.handshakes);
    expect(facts).toMatchObject([{ tls: { version, isResumed: false } }, { tls: { version, isResumed: true } }]);
  });
});

/** Connects, takes the greeting and the session, and leaves. */
async function visit(
  server: SecuringServer,
  { start, options }: { start: 'implicit' | 'stls'; options: ConnectionOptions },
): Promise<{ session: Buffer; isReused: boolean }> {
  const raw = start === 'stls' ? await askForTls(server) : undefined;
  const socket = dial(server, options, raw);
  const given = once(socket, 'session');
  await new Peer(socket).line();
  // A resumed session may be given no successor.
  const [session] = socket.isSessionReused() ? [Buffer.alloc(0)] : await given;
  const isReused = socket.isSessionReused();
  socket.destroy();
  return { session, isReused };
}

async function askForTls({ port }: SecuringServer): Promise<Socket> {
  const raw = connectTcp({ host: '127.0.0.1', port });
  sockets.push(raw);
  raw.write('STLS\r\n');
  await once(raw, 'data');
  raw.removeAllListeners('data');
  return raw;
}
