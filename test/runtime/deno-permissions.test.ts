import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mainFile, runPostern, servePostern } from '../e2e/postern-process.ts';
import { startScriptedUpstream } from '../e2e/scripted-upstream.ts';
import { account } from '../e2e/stage.ts';
import { eventually } from '../e2e/support.ts';
import { connectGreeted } from '../e2e/wire-client.ts';
import { createTestCertificates, type TestCertificates } from '../support/certificates.ts';
import { type CommandLine, findFreePorts, runProcess } from '../support/process.ts';
import { requireProgram } from '../support/programs.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';

/** How sources are run; the permissions are the command's own. */
const fromSources = ['--no-lock', '--no-remote', '--node-modules-dir=manual'];

/** Writes a configuration with a certificate behind a symbolic link, as ACME clients and Kubernetes keep them. */
async function writeStage(
  directory: string,
  { certificates, port }: { readonly certificates: TestCertificates; readonly port: number },
): Promise<string> {
  await mkdir(join(directory, 'archive'));
  const { cert, key } = certificates.valid;
  for (const [name, text] of Object.entries({ cert, key, ca: certificates.ca })) {
    await writeFile(join(directory, 'archive', `${name}1.pem`), text);
    await symlink(`archive/${name}1.pem`, join(directory, `${name}.pem`));
  }
  const [listener, admin] = await findFreePorts(2);
  const file = join(directory, 'postern.yaml');
  await writeFile(
    file,
    `
listeners: [{name: lan, address: "127.0.0.1:${listener}", tls: starttls, plaintextFrom: [127.0.0.0/8], upstream: corp}]
tls: {certificates: [{cert: cert.pem, key: key.pem}]}
upstreams: [{name: corp, host: localhost, port: ${port}, ca: ca.pem, domains: [corp.test]}]
admin: {address: "127.0.0.1:${admin}", tokens: [{name: ops, role: operator, token: "\${POSTERN_ADMIN_TOKEN:-a-token-of-the-tests}"}]}
audit: {to: file, file: audit.jsonl}
policyServer: {url: "http://127.0.0.1:1/", hashNonce: a-nonce-of-the-tests}   # nobody is there, and logins go on
log: {level: info, format: json}
`,
  );
  return file;
}

async function permissionsOf(configuration: string): Promise<string[]> {
  const { code, stdout, stderr } = await runPostern(['permissions', '--config', configuration]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.toString().trim().split(' ');
}

function deno(flags: readonly string[], program: string): CommandLine {
  return [requireProgram('deno'), 'run', ...fromSources, ...flags, program];
}

describe('postern permissions, on Deno', () => {
  it('permits all that a login takes', async () => {
    await using directory = await createTemporaryDirectory('permissions');
    await using certificates = await createTestCertificates();
    await using upstream = await startScriptedUpstream({ tls: { ...certificates.valid, start: 'implicit' } });
    const configuration = await writeStage(directory.path, { certificates, port: upstream.port });
    const flags = await permissionsOf(configuration);
    await using postern = await servePostern(configuration, deno(flags, mainFile));
    using client = await connectGreeted({ port: postern.port('lan') });
    expect(await client.logIn(account.user, account.password)).toMatch(/^\+OK/);
    const page = await (await fetch(`http://127.0.0.1:${postern.adminPort}/ui/`)).text();
    const sheet = /href="([^"]+\/pages\.css)"/.exec(page)?.[1];
    expect((await fetch(`http://127.0.0.1:${postern.adminPort}${sheet}`)).status).toBe(200);
    await eventually(async () =>
      expect(await readFile(join(directory.path, 'audit.jsonl'), 'utf8')).toContain('"type":"login"'),
    );
    expect(postern.process.output()).not.toMatch(/NotCapable|Requires .* access/);
  });

  it('permits nothing else: no other port, file or variable', async () => {
    await using directory = await createTemporaryDirectory('permissions');
    await using certificates = await createTestCertificates();
    const configuration = await writeStage(directory.path, { certificates, port: 995 });
    const flags = await permissionsOf(configuration);
    await writeFile(join(directory.path, 'other'), 'text');
    const attempts = join(directory.path, 'attempts.mjs');
    await writeFile(
      attempts,
      `const tried = {};
for (const [name, attempt] of Object.entries({
  ownFile: () => Deno.readTextFile(${JSON.stringify(configuration)}),
  otherFile: () => Deno.readTextFile(${JSON.stringify(join(directory.path, 'other'))}),
  otherWrite: () => Deno.writeTextFile(${JSON.stringify(configuration)}, ''),
  otherPort: () => Deno.connect({ hostname: 'localhost', port: 996 }),
  otherHost: () => Deno.connect({ hostname: '127.0.0.2', port: 995 }),
  otherListener: () => Deno.listen({ hostname: '127.0.0.1', port: 0 }),
  program: () => new Deno.Command('true').output(),
})) {
  tried[name] = await (async () => attempt())().then(() => 'permitted', (error) => error.name);
}
tried.otherVariable = Deno.env.get('HOME') ?? 'none';
console.log(JSON.stringify(tried));
`,
    );
    const { code, stdout, stderr } = await runProcess(deno(flags, attempts), { timeoutMs: 15_000 });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout.toString())).toEqual({
      ownFile: 'permitted',
      otherFile: 'NotCapable',
      otherWrite: 'NotCapable',
      otherPort: 'NotCapable',
      otherHost: 'NotCapable',
      otherListener: 'NotCapable',
      program: 'NotCapable',
      otherVariable: 'none',
    });
  });
});
