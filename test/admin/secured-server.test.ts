import { once } from 'node:events';
import { link, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { createAdminApp } from '../../src/admin/app.ts';
import { type AdminServer, type AdminTls, serveAdmin } from '../../src/admin/server.ts';
import { AdminRequestError, askAdmin } from '../../src/commands/admin-client.ts';
import { createAuthority } from '../../src/net/certificate-authority.ts';
import { createTestCertificates } from '../support/certificates.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { fakePorts, viewerToken } from './ports.ts';

function serve(address: { host: string; port: number } | { path: string }, tls?: AdminTls): Promise<AdminServer> {
  return serveAdmin({ app: createAdminApp(fakePorts().ports), address, ...(tls && { tls }) });
}

function ask(url: string, files: { ca?: string; cert?: string; key?: string } = {}): Promise<unknown> {
  return askAdmin({ url: new URL(url), token: viewerToken, ...files }, '/api/v1/status');
}

const loopback = { host: '127.0.0.1', port: 0 };
const portOf = ({ address }: AdminServer): number => ('port' in address ? address.port : 0);

describe('serveAdmin, over TLS', () => {
  it('serves who trusts its certificate, and tells the others why not', async () => {
    await using certificates = await createTestCertificates();
    await using server = await serve(loopback, { context: certificates.valid, requiresCertificate: false });
    const url = `https://127.0.0.1:${portOf(server)}`;
    expect(await ask(url, { ca: certificates.ca })).toMatchObject({ version: '1.2.3' });
    await expect(ask(url)).rejects.toThrow(/its certificate is not trusted \([A-Z_]+\): give its authority with --ca$/);
  });

  it('shows another certificate from the next connection on', async () => {
    await using certificates = await createTestCertificates();
    await using server = await serve(loopback, { context: certificates.valid, requiresCertificate: false });
    server.replaceCertificate(certificates.selfSigned);
    const url = `https://127.0.0.1:${portOf(server)}`;
    expect(await ask(url, { ca: certificates.selfSigned.cert })).toMatchObject({ version: '1.2.3' });
  });

  it('serves only clients with a certificate of its authority, where it asks for one', async () => {
    await using certificates = await createTestCertificates();
    const [clients, others] = [await createAuthority({ name: 'Admins' }), await createAuthority({ name: 'Others' })];
    const own = await clients.issue({ names: ['ops'], usage: 'client' });
    const foreign = await others.issue({ names: ['ops'], usage: 'client' });
    const context = { ...certificates.valid, ca: clients.certificate };
    await using server = await serve(loopback, { context, requiresCertificate: true });
    const url = `https://127.0.0.1:${portOf(server)}`;
    const { ca } = certificates;
    expect(await ask(url, { ca, ...own })).toMatchObject({ version: '1.2.3' });
    await expect(ask(url, { ca })).rejects.toThrow(AdminRequestError);
    await expect(ask(url, { ca, ...foreign })).rejects.toThrow(AdminRequestError);
  });

  it('survives who speaks no TLS, and who leaves amid the handshake', async () => {
    await using certificates = await createTestCertificates();
    await using server = await serve(loopback, { context: certificates.valid, requiresCertificate: false });
    const refused = connect({ port: portOf(server), host: '127.0.0.1', rejectUnauthorized: true });
    await expect(once(refused, 'secureConnect')).rejects.toThrow();
    await expect(fetch(`http://127.0.0.1:${portOf(server)}/healthz`)).rejects.toThrow();
    expect(await ask(`https://127.0.0.1:${portOf(server)}`, { ca: certificates.ca })).toBeDefined();
  });
});

describe('serveAdmin, on a Unix socket', () => {
  it('serves its owner alone, and asks for the token all the same', async () => {
    await using directory = await createTemporaryDirectory('admin');
    const path = join(directory.path, 'admin.sock');
    await using server = await serve({ path });
    expect(server.address).toEqual({ path });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await ask(`unix:${path}`)).toMatchObject({ version: '1.2.3' });
    await expect(askAdmin({ url: new URL(`unix:${path}`), token: 'wrong' }, '/api/v1/status')).rejects.toThrow(
      `Cannot ask Postern at "unix:${path}": This token is not one of \`admin.tokens\``,
    );
  });

  it('takes the place of a socket that nobody listens on', async () => {
    await using directory = await createTemporaryDirectory('admin');
    const path = join(directory.path, 'admin.sock');
    await leaveSocket(path);
    await using _server = await serve({ path });
    expect(await ask(`unix:${path}`)).toBeDefined();
  });

  it('leaves alone a socket that somebody listens on, and a file that is none', async () => {
    await using directory = await createTemporaryDirectory('admin');
    const path = join(directory.path, 'admin.sock');
    await using _first = await serve({ path });
    await expect(serve({ path })).rejects.toThrow(
      `Cannot serve the admin interface on "unix:${path}": another program listens there`,
    );
    expect(await ask(`unix:${path}`)).toBeDefined();
    const file = join(directory.path, 'file');
    await writeFile(file, 'mine');
    await expect(serve({ path: file })).rejects.toThrow('a file that is no socket is there');
  });

  it('says so where there is no directory, and where nothing listens', async () => {
    await using directory = await createTemporaryDirectory('admin');
    const path = join(directory.path, 'none', 'admin.sock');
    await expect(serve({ path })).rejects.toThrow(/^Cannot serve the admin interface on "unix:.*": /);
    await expect(ask(`unix:${path}`)).rejects.toThrow('there is no such socket');
  });
});

/** A socket as a process leaves it that was killed. */
async function leaveSocket(path: string): Promise<void> {
  const server = createServer().listen({ path: `${path}.own` });
  await once(server, 'listening');
  await link(`${path}.own`, path);
  server.close();
  await once(server, 'close');
}
