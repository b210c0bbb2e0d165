import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp, createServer as createTcpServer } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Authority, createAuthority, type IssuedCertificate } from '../../src/net/certificate-authority.ts';
import { ServerCertificates } from '../../src/net/server-certificates.ts';
import type { ClientCertificatePolicy, ClientTlsPolicy } from '../../src/policy/transport.ts';
import { portOf } from '../proxy/peer.ts';
import { type SecuringServer, startSecuringServer } from './securing-server.ts';

let authority: Authority;
let certificates: ServerCertificates;
let scanner: IssuedCertificate;
let stranger: IssuedCertificate;
let notForClients: IssuedCertificate;
let expired: IssuedCertificate;
const servers: SecuringServer[] = [];
const sockets: TLSSocket[] = [];

beforeAll(async () => {
  const dayMs = 86_400_000;
  const lifetime = { notBefore: new Date(Date.now() - 9 * dayMs) };
  const other = await createAuthority({ name: 'Other clients' });
  authority = await createAuthority({ name: 'Clients', ...lifetime });
  const mail = await authority.issue({ names: ['mail.test'] });
  certificates = new ServerCertificates([{ name: 'mail', ...mail }]);
  [scanner, notForClients, expired, stranger] = await Promise.all([
    authority.issue({ names: ['scanner-3'], usage: 'client' }),
    authority.issue({ names: ['scanner-3'] }),
    authority.issue({ names: ['scanner-3'], usage: 'client', ...lifetime, notAfter: new Date(Date.now() - dayMs) }),
    other.issue({ names: ['scanner-3'], usage: 'client' }),
  ]);
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
});

async function serve(mode: ClientCertificatePolicy['mode'] | undefined): Promise<SecuringServer> {
  const asked = mode === undefined ? {} : { clientCertificates: { mode, ca: authority.certificate } };
  const policy: ClientTlsPolicy = { tlsProfile: 'intermediate', ...asked };
  const server = await startSecuringServer(certificates, policy);
  servers.push(server);
  return server;
}

/** Connects, waits for the greeting or the end, and tells which came, and the session to resume. */
async function visit({ port }: SecuringServer, options: ConnectionOptions) {
  const socket = connect({ host: '127.0.0.1', port, servername: 'mail.test', rejectUnauthorized: false, ...options });
  sockets.push(socket);
  const sessions: Buffer[] = [];
  socket.on('session', (session: Buffer) => sessions.push(session));
  socket.on('error', () => {});
  const isGreeted = await Promise.race([
    once(socket, 'data').then(
      () => true,
      () => false,
    ),
    once(socket, 'close').then(
      () => false,
      () => false,
    ),
  ]);
  const isNew = isGreeted && options.maxVersion === 'TLSv1.3' && !socket.isSessionReused();
  // The runtime hands tickets over behind the data that came with them.
  if (isNew && sessions.length === 0) await once(socket, 'session');
  const session = sessions.at(-1) ?? socket.getSession();
  const isReused = socket.isSessionReused();
  socket.destroy();
  return { isGreeted, isReused, ...(session && { session }) };
}

const identityOf = ({ cert }: IssuedCertificate) => ({
  subject: 'CN=scanner-3',
  commonName: 'scanner-3',
  fingerprint: new X509Certificate(cert).fingerprint256.replaceAll(':', '').toLowerCase(),
});

describe.for(['TLSv1.2', 'TLSv1.3'] as const)('over %s', (maxVersion) => {
  describe.for(['request', 'require'] as const)('a listener with clientCertificate: %s', (mode) => {
    it('knows a client by its certificate, in a resumed session too', async () => {
      const server = await serve(mode);
      const first = await visit(server, { maxVersion, ...scanner });
      expect(first).toMatchObject({ isGreeted: true, isReused: false });
      const { certificate, ...rest } = Object(await server.last());
      expect(certificate).toEqual(identityOf(scanner));
      expect(rest).toMatchObject({ kind: 'secured', tls: { isResumed: false } });
      expect(rest).not.toHaveProperty('ignoredCertificate');

      // It sends no certificate again: the session says who it is.
      const { session } = first;
      expect(await visit(server, { maxVersion, ...(session && { session }) })).toMatchObject({
        isGreeted: true,
        isReused: true,
      });
      expect(await server.last()).toMatchObject({ certificate: identityOf(scanner), tls: { isResumed: true } });
    });

    it.each([
      ['another authority’s', () => stranger, /UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER/],
      ['one that has expired', () => expired, /CERT_HAS_EXPIRED/],
      ['one for servers', () => notForClients, /INVALID_PURPOSE/],
    ])('counts a certificate for nothing that is %s, first and resumed', async (_, certificateOf, problem) => {
      const server = await serve(mode);
      const first = await visit(server, { maxVersion, ...certificateOf() });
      const outcomes = [await server.last()];
      const again = await visit(server, { maxVersion, ...(first.session && { session: first.session }) });
      outcomes.push(await server.last());
      for (const outcome of outcomes) expect(outcome).not.toHaveProperty('certificate');
      expect([first.isGreeted, again.isGreeted]).toEqual(mode === 'request' ? [true, true] : [false, false]);
      if (mode === 'request') expect(outcomes[0]).toMatchObject({ ignoredCertificate: expect.stringMatching(problem) });
      else expect(outcomes[0]).toMatchObject({ kind: 'failed', detail: expect.stringMatching(problem) });
    });

    it(`${mode === 'request' ? 'serves' : 'refuses'} a client without a certificate`, async () => {
      const server = await serve(mode);
      expect((await visit(server, { maxVersion })).isGreeted).toBe(mode === 'request');
      const outcome = await server.last();
      expect(outcome.kind).toBe(mode === 'request' ? 'secured' : 'failed');
      expect(outcome).not.toHaveProperty('certificate');
      expect(outcome).not.toHaveProperty('ignoredCertificate');
    });
  });

  it.each([undefined, 'request'] as const)(
    'a session begun where certificates are %s is no way in where one is required',
    async (mode) => {
      const [lax, strict] = [await serve(mode), await serve('require')];
      for (const identity of [{}, stranger]) {
        const { session, isGreeted } = await visit(lax, { maxVersion, ...identity });
        expect(isGreeted).toBe(true);
        expect((await visit(strict, { maxVersion, ...(session && { session }) })).isGreeted).toBe(false);
        expect(await strict.last()).toMatchObject({ kind: 'failed' });
      }
    },
  );

  it('a listener that asks for none takes none', async () => {
    const server = await serve(undefined);
    expect((await visit(server, { maxVersion, ...scanner })).isGreeted).toBe(true);
    expect(await server.last()).not.toHaveProperty('certificate');
  });

  it('listeners of the same kind resume each other’s sessions', async () => {
    const [one, other] = [await serve('require'), await serve('require')];
    const { session } = await visit(one, { maxVersion, ...scanner });
    expect((await visit(other, { maxVersion, ...(session && { session }) })).isReused).toBe(true);
    expect(await other.last()).toMatchObject({ certificate: identityOf(scanner) });
  });
});

describe('plaintext on a listener that asks for certificates', () => {
  it('is told from a failed handshake', async () => {
    const server = await serve('require');
    const raw = connectTcp({ host: '127.0.0.1', port: server.port });
    raw.on('error', () => {});
    raw.write('USER alice\r\n');
    await once(raw, 'close');
    expect(await server.last()).toMatchObject({ kind: 'failed', isPlaintext: true });
  });
});

describe('a record that is spoilt behind the handshake', () => {
  it.each([undefined, 'request', 'require'] as const)('closes the connection (certificates: %s)', async (mode) => {
    const server = await serve(mode);
    const toServer = connectTcp({ host: '127.0.0.1', port: server.port });
    const front = createTcpServer((client) => {
      for (const side of [client, toServer]) side.on('error', () => {});
      client.on('data', (octets) => toServer.write(octets));
      toServer.on('data', (octets) => client.write(octets));
    });
    front.listen(0, '127.0.0.1');
    await once(front, 'listening');
    const closed = once(toServer, 'close');
    expect((await visitAndStay(portOf(front), scanner)).toString()).toBe('+OK\r\n');
    toServer.write(Buffer.concat([Buffer.of(0x17, 3, 3, 0, 32), Buffer.alloc(32)]));
    await closed;
    front.close();
  });
});

/** Connects and waits for the greeting; the connection stays. */
async function visitAndStay(port: number, options: ConnectionOptions): Promise<Buffer> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'mail.test', ca: authority.certificate, ...options });
  sockets.push(socket);
  socket.on('error', () => {});
  const [greeting] = await once(socket, 'data');
  return greeting;
}
