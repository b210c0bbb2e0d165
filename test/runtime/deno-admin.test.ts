import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { askAdmin } from '../../src/commands/admin-client.ts';
import { createAuthority } from '../../src/net/certificate-authority.ts';
import { servePostern } from '../e2e/postern-process.ts';
import { createTestCertificates } from '../support/certificates.ts';
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts';
import { deno } from './deno-command.ts';

const token = 'operator-token-of-the-tests';

/** Starts `postern serve` on Deno with these keys of `admin`. */
async function serve(
  directory: TemporaryDirectory,
  { admin, net = '127.0.0.1', permissions = [] }: { admin: string; net?: string; permissions?: string[] },
) {
  const file = join(directory.path, 'postern.yaml');
  await writeFile(
    file,
    `
listeners: [{name: lan, address: "127.0.0.1:0", tls: starttls, plaintextFrom: [127.0.0.0/8]}]
admin: {${admin}, tokens: [{name: ops, role: operator, token: ${token}}]}
log: {level: info, format: json}
`,
  );
  return servePostern(file, deno(`--allow-read=${directory.path}`, `--allow-net=${net}`, ...permissions));
}

describe('the admin API on Deno', () => {
  it('reads bodies, streams events and knows its document', async () => {
    await using directory = await createTemporaryDirectory('deno');
    await using postern = await serve(directory, { admin: 'address: "127.0.0.1:0"' });
    const url = new URL(`http://127.0.0.1:${postern.adminPort}`);
    const ask = (request: Parameters<typeof askAdmin>[1]) => askAdmin({ url, token }, request);

    expect(await ask('/api/v1/openapi.json')).toMatchObject({ openapi: '3.1.0' });
    const headers = { Authorization: `Bearer ${token}` };
    const stream = await fetch(new URL('/api/v1/events?kind=blockAdded', url), { headers });
    const body = { account: 'user@corp.test', reason: 'left us', durationSeconds: 3_600 };
    expect(await ask({ path: '/api/v1/blocks', method: 'POST', body })).toMatchObject({ by: 'ops', effect: 'block' });
    let seen = '';
    for await (const chunk of stream.body ?? []) {
      seen += Buffer.from(chunk).toString();
      if (/data: .*\n\n/.test(seen)) break;
    }
    expect(seen).toMatch(/^event: blockAdded\ndata: \{.*"by":"ops"/m);
    expect(await ask('/api/v1/accounts/user@corp.test')).toMatchObject({ state: 'blocked' });
    await expect(ask({ path: '/api/v1/log-level', method: 'PUT', body: { level: 'loud' } })).rejects.toThrow(
      '"level" must be',
    );
  });

  it('asks for client certificates', async () => {
    await using directory = await createTemporaryDirectory('deno');
    await using certificates = await createTestCertificates();
    const admins = await createAuthority({ name: 'Admins' });
    for (const [name, text] of Object.entries({ ...certificates.valid, ca: admins.certificate })) {
      await writeFile(join(directory.path, `${name}.pem`), text);
    }
    const admin = 'address: "127.0.0.1:0", tls: {cert: cert.pem, key: key.pem, clientCa: ca.pem}';
    await using postern = await serve(directory, { admin });
    const access = { url: new URL(`https://127.0.0.1:${postern.adminPort}`), token, ca: certificates.ca };
    const own = await admins.issue({ names: ['ops'], usage: 'client' });
    expect(await askAdmin({ ...access, ...own }, '/api/v1/status')).toMatchObject({ status: 'ready' });
    await expect(askAdmin(access, '/api/v1/status')).rejects.toThrow(/^Cannot ask Postern/);
  });

  it('listens on a Unix socket', async () => {
    await using directory = await createTemporaryDirectory('deno');
    const path = join(directory.path, 'admin.sock');
    await using _postern = await serve(directory, {
      admin: `address: "unix:${path}"`,
      net: `127.0.0.1,unix:${path}`,
      permissions: [`--allow-write=${directory.path}`],
    });
    expect(await askAdmin({ url: new URL(`unix:${path}`), token }, '/api/v1/status')).toMatchObject({
      status: 'ready',
    });
  });
});
