import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { servePostern } from '../e2e/postern-process.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { deno } from './deno-command.ts';

const token = 'operator-token-of-the-tests';
const assets = ['src/admin/pages/assets', 'node_modules/uplot/dist'].map((path) =>
  fileURLToPath(new URL(`../../${path}`, import.meta.url)),
);

describe('the pages on Deno', () => {
  it.each([
    ['with styles where they may be read', assets, 200],
    ['plain where not', [], 404],
  ])('are there, %s', async (_how, readable, status) => {
    await using directory = await createTemporaryDirectory('deno');
    const file = join(directory.path, 'postern.yaml');
    await writeFile(
      file,
      `
listeners: [{name: lan, address: "127.0.0.1:0", tls: starttls, plaintextFrom: [127.0.0.0/8]}]
admin: {address: "127.0.0.1:0", tokens: [{name: ops, role: operator, token: ${token}}]}
log: {level: info, format: json}
`,
    );
    const permissions = [`--allow-read=${[directory.path, ...readable].join(',')}`, '--allow-net=127.0.0.1'];
    await using postern = await servePostern(file, deno(...permissions));
    const url = `http://127.0.0.1:${postern.adminPort}`;
    const signIn = await fetch(`${url}/ui/sign-in`, {
      method: 'POST',
      body: new URLSearchParams({ token }),
      headers: { Origin: url },
      redirect: 'manual',
    });
    const [cookie = ''] = (signIn.headers.get('Set-Cookie') ?? '').split(';');
    const overview = await (await fetch(`${url}/ui`, { headers: { Cookie: cookie } })).text();
    expect(overview).toContain('<h1>Overview</h1>');
    const [, style = ''] = /href="([^"]+pages\.css)"/.exec(overview) ?? [];
    expect((await fetch(`${url}${style}`)).status).toBe(status);
  });
});
