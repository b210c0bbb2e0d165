import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createAdminApp } from '../../src/admin/app.ts';
import type { GateState } from '../../src/admin/ports.ts';
import { type AdminServer, serveAdmin } from '../../src/admin/server.ts';
import { findHealthAccess, runHealth } from '../../src/commands/health.ts';
import { UsageError } from '../../src/commands/usage-error.ts';
import type { AdminLocation } from '../../src/config/admin-location.ts';
import { fakePorts } from '../admin/ports.ts';
import { runPostern } from '../e2e/postern-process.ts';
import { createTestCertificates } from '../support/certificates.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';

const listening: GateState = {
  listeners: [{ name: 'lan', address: '127.0.0.1:110', tls: 'starttls', isListening: true }],
  isDraining: false,
};

function serve(state: GateState, address: { host: string; port: number } | { path: string }): Promise<AdminServer> {
  return serveAdmin({ app: createAdminApp({ ...fakePorts().ports, gateState: () => state }), address });
}

/** Asks as the configuration's own health check does. */
async function ask(location: AdminLocation, { isLive = false, files = {} as Record<string, string>, ca = '' } = {}) {
  const lines: string[] = [];
  const access = findHealthAccess(undefined, { locate: () => location, readFile: (path) => files[path] ?? '' });
  const code = await runHealth({
    access: { ...access, ...(ca !== '' && { ca }) },
    isLive,
    out: (line) => lines.push(line),
  });
  return { code, said: lines.join('\n') };
}

const loopback = { host: '127.0.0.1', port: 0 };

describe('postern health', () => {
  it('is 0 while clients may be sent here', async () => {
    await using server = await serve(listening, loopback);
    expect(await ask({ address: server.address })).toEqual({
      code: 0,
      said: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+: ready$/),
    });
  });

  it('is 1 with the reasons while they may not, and 0 for who asks whether it lives', async () => {
    await using server = await serve({ ...listening, isDraining: true }, loopback);
    const admin = { address: server.address };
    expect(await ask(admin)).toEqual({ code: 1, said: expect.stringMatching(/: unready: Shutting down/) });
    expect(await ask(admin, { isLive: true })).toEqual({ code: 0, said: expect.stringMatching(/: alive$/) });
  });

  it('asks by a Unix socket', async () => {
    await using directory = await createTemporaryDirectory('health');
    const path = join(directory.path, 'admin.sock');
    await using _server = await serve(listening, { path });
    expect(await ask({ address: { path } })).toEqual({ code: 0, said: `unix:${path}: ready` });
  });

  it('asks over TLS by the name of the certificate, and trusts one that signed itself', async () => {
    await using certificates = await createTestCertificates({ names: ['postern.corp.test'] });
    const app = createAdminApp({ ...fakePorts().ports, gateState: () => listening });
    for (const pair of [certificates.selfSigned, certificates.valid]) {
      await using server = await serveAdmin({
        app,
        address: loopback,
        tls: { context: pair, requiresCertificate: false },
      });
      const admin = { address: server.address, certificateFile: '/cert.pem' };
      const files = { '/cert.pem': pair.cert };
      const isOwn = pair === certificates.selfSigned;
      expect(await ask(admin, { files })).toMatchObject({ code: isOwn ? 0 : 1 });
      if (!isOwn) expect(await ask(admin, { files, ca: certificates.ca })).toMatchObject({ code: 0 });
    }
  });

  it('is 1 in one line where nothing listens', async () => {
    const server = await serve(listening, loopback);
    await server[Symbol.asyncDispose]();
    expect(await ask({ address: server.address })).toEqual({
      code: 1,
      said: expect.stringMatching(/^http:\S+: nothing listens there$/),
    });
  });

  it('is a command that needs no token, no configuration where it is given a URL, and no right one else', async () => {
    await using server = await serve(listening, loopback);
    const port = 'port' in server.address ? server.address.port : 0;
    expect(await runPostern(['health', '--url', `http://127.0.0.1:${port}`])).toMatchObject({ code: 0, stderr: '' });
    await using directory = await createTemporaryDirectory('health');
    const file = join(directory.path, 'postern.yaml');
    await writeFile(file, `listeners: [{name: edited}]\nadmin: {address: "127.0.0.1:${port}"}`);
    const { code, stdout } = await runPostern(['health', '--live', '--config', file]);
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 0, stdout: `http://127.0.0.1:${port}: alive\n` });
  });

  it('refuses what is no admin address', () => {
    const options = { locate: (): AdminLocation => ({ address: loopback }), readFile: () => '' };
    expect(() => findHealthAccess('postern.test:9110', options)).toThrow(UsageError);
  });
});
