import { copyFile, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPostern } from '../../deploy/build/build.ts';
import { servePostern } from '../e2e/postern-process.ts';
import { adminToken, writeConfiguration } from '../e2e/support.ts';
import { connectGreeted } from '../e2e/wire-client.ts';
import { createTestCertificates } from '../support/certificates.ts';
import { type CommandLine, type FinishedProcess, runProcess } from '../support/process.ts';
import { requireProgram } from '../support/programs.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const maxOctets = 2 * 1024 * 1024;
const timeoutMs = 30_000;

const stack = new AsyncDisposableStack();
let built: string;
let empty: string;

beforeAll(async () => {
  const { path } = stack.use(await createTemporaryDirectory('build'));
  built = join(path, 'dist');
  empty = join(path, 'empty');
  await mkdir(empty);
  const script = join(root, 'deploy/build/main.ts');
  const { code, stderr } = await runProcess([process.execPath, script, '--out', built], { timeoutMs });
  expect({ code, stderr }).toMatchObject({ code: 0 });
}, 60_000);
afterAll(() => stack.disposeAsync());

const text = (name: string): Promise<string> => readFile(join(built, name), 'utf8');

/** Runs a program in the empty directory; fails where it does. */
async function run(command: CommandLine, env = process.env): Promise<FinishedProcess> {
  const variables = Object.fromEntries(Object.entries(env).map(([name, value = '']) => [name, value]));
  const finished = await runProcess(command, { cwd: empty, env: variables, timeoutMs });
  expect(finished.code, finished.stderr).toBe(0);
  return finished;
}

describe('npm run build', () => {
  it('makes a file of 2 MB at most', async () => {
    expect((await stat(join(built, 'postern.js'))).size).toBeLessThanOrEqual(maxOctets);
  });

  it('gives the same octets again, wherever it is built to', async () => {
    const { path } = stack.use(await createTemporaryDirectory('build-again'));
    const files = await buildPostern({ root, outDirectory: join(path, 'further', 'below') });
    expect(files.map(({ name }) => name)).toContain('postern.cdx.json');
    for (const { name } of files) {
      expect
        .soft((await readFile(join(path, 'further', 'below', name), 'utf8')) === (await text(name)), name)
        .toBe(true);
    }
  });

  it('lists every package that is in it, with its terms', async () => {
    const { sources } = JSON.parse(await text('postern.js.map'));
    const packages = new Set(
      sources.flatMap((source: string) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source)?.[1] ?? []),
    );
    expect(packages.size).toBeGreaterThan(30);
    const licences = await text('THIRD-PARTY-LICENSES.txt');
    const bill = JSON.parse(await text('postern.cdx.json'));
    const materials = new Set(bill.components.map(({ name }: { name: string }) => name));
    for (const name of [...packages, 'uplot']) {
      expect.soft(licences).toMatch(new RegExp(`^${name} \\d\\S* \\(`, 'm'));
      expect.soft(materials).toContain(name);
    }
    expect(bill).toMatchObject({ bomFormat: 'CycloneDX', metadata: { component: { name: 'postern' } } });
    expect(JSON.stringify(bill)).not.toContain('timestamp');
  });

  it('has a source map that leads back to the sources, and to no path of this machine', async () => {
    const { sources } = JSON.parse(await text('postern.js.map'));
    expect(sources).toContain('../src/main.ts');
    expect(sources.filter((source: string) => !/^\.\.\/(?:src\/|node_modules\/|package\.json$)/.test(source))).toEqual(
      [],
    );
    expect(await text('postern.js')).not.toContain(root);
  });
});

describe('dist/postern.js', () => {
  it('tells the story of the demo on Node where there is nothing else', async () => {
    await copyFile(join(built, 'postern.js'), join(empty, 'postern.js'));
    const { stdout } = await run([process.execPath, 'postern.js', 'demo', '--once']);
    expect(stdout.toString()).toContain('AUTH PLAIN ********');
  });

  it('tells it on Deno with the permissions that it names itself', async () => {
    const file = join(built, 'postern.js');
    const permissions = await run([process.execPath, file, 'permissions', '--demo']);
    const flags = permissions.stdout.toString().trim().split(' ');
    expect(flags).toContain('--no-prompt');
    const { stdout } = await run([requireProgram('deno'), 'run', ...flags, file, 'demo', '--once']);
    expect(stdout.toString()).toContain('AUTH PLAIN ********');
  });

  it('is its own workers', async () => {
    await using certificates = await createTestCertificates();
    await using directory = await createTemporaryDirectory('build-workers');
    const sections = 'workers: 2';
    const configuration = await writeConfiguration(directory.path, { sections, certificate: certificates.valid });
    await using postern = await servePostern(configuration, [process.execPath, join(built, 'postern.js')]);
    using client = await connectGreeted({ port: postern.port('starttls') });
    expect(await client.command('QUIT')).toMatch(/^\+OK/);
    const metrics = await fetch(`http://127.0.0.1:${postern.adminPort}/metrics`, {
      headers: { Authorization: `Bearer ${adminToken}` },
    });
    expect(await metrics.text()).toContain('postern_workers{state="running"} 2');
  });

  it('carries the files of its pages', async () => {
    await using certificates = await createTestCertificates();
    await using directory = await createTemporaryDirectory('build-pages');
    const configuration = await writeConfiguration(directory.path, { sections: '', certificate: certificates.valid });
    await using postern = await servePostern(configuration, [process.execPath, join(built, 'postern.js')]);
    const origin = `http://127.0.0.1:${postern.adminPort}`;
    const page = await (await fetch(`${origin}/ui/`)).text();
    const path = /(?:href)="([^"]+\/pages\.css)"/.exec(page)?.[1];
    const sheet = await fetch(`${origin}${path}`);
    expect(sheet.headers.get('Content-Type')).toMatch(/^text\/css/);
    expect(await sheet.text()).toBe(await readFile(join(root, 'src/admin/pages/assets/pages.css'), 'utf8'));
  });

  it('is a package that installs and runs with nothing but its tarball', async () => {
    const cache = ['--cache', join(empty, 'cache'), '--offline', '--no-audit', '--no-fund'];
    const packed = await run(['npm', 'pack', built, '--json', ...cache]);
    const tarball = /postern-[\d.]+\S*?\.tgz/.exec(packed.stdout.toString())?.[0] ?? '';
    await run(['npm', 'install', `./${tarball}`, ...cache]);
    const { stdout } = await run(['npm', 'exec', '--offline', '--', 'postern', 'demo', '--once']);
    expect(stdout.toString()).toContain('AUTH PLAIN ********');
  }, 60_000);
});
