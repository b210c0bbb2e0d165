import { appendFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildExecutable } from '../../deploy/build/executable.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { servePostern } from '../e2e/postern-process.ts';
import { inTime, writeConfiguration } from '../e2e/support.ts';
import { createTestCertificates } from '../support/certificates.ts';
import { runProcess } from '../support/process.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const timeoutMs = 30_000;

describe('buildExecutable', () => {
  it('refuses a Node that Postern is not tested with, and leaves nothing behind', async () => {
    await using directory = await createTemporaryDirectory('executable-refused');
    await writeFile(join(directory.path, 'package.json'), '{"devDependencies": {"node": "0.0.1"}}');
    const refused = buildExecutable({ root: directory.path, outDirectory: directory.path });
    await expect(refused).rejects.toThrow(/^Cannot build an executable .* 0\.0\.1/);
    expect(await readdir(directory.path)).toEqual(['package.json']);
  });
});

describe.skipIf(process.platform !== 'linux')('npm run build -- --executable', () => {
  const stack = new AsyncDisposableStack();
  let built: string;
  let empty: string;
  let executable: string;

  beforeAll(async () => {
    const { path } = stack.use(await createTemporaryDirectory('executable'));
    [built, empty] = [join(path, 'dist'), join(path, 'empty')];
    executable = join(built, 'postern');
    await mkdir(empty);
    // The Node that `npm run` finds, whatever runs the tests.
    const node = join(root, 'node_modules/.bin/node');
    const script = join(root, 'deploy/build/main.ts');
    const { code, stderr } = await runProcess([node, script, '--executable', '--out', built], { timeoutMs: 100_000 });
    expect({ code, stderr }).toMatchObject({ code: 0 });
  }, 120_000);
  afterAll(() => stack.disposeAsync());

  it('makes a program that tells its version and the story of the demo where there is no Node', async () => {
    const alone = { cwd: empty, env: { PATH: empty }, timeoutMs };
    const version = await runProcess([executable, '--version'], alone);
    expect(version.stdout.toString()).toBe(`${packageJson.version}\n`);
    const { code, stdout, stderr } = await runProcess([executable, 'demo', '--once'], alone);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.toString()).toContain('AUTH PLAIN ********');
  }, 60_000);

  it('makes a program that has the options of `npm start` in it', async () => {
    const preloaded = join(empty, 'options.cjs');
    await writeFile(preloaded, 'console.log(JSON.stringify(process.execArgv));');
    const env = { PATH: empty, NODE_OPTIONS: `--require ${preloaded}` };
    const { stdout } = await runProcess([executable, '--version'], { cwd: empty, env, timeoutMs });
    const options = packageJson.scripts.start.match(/--\S+/g);
    expect(stdout.toString()).toBe(`${JSON.stringify(options)}\n${packageJson.version}\n`);
  });

  it('makes a program that serves, answers for its health, reloads and stops', async () => {
    await using certificates = await createTestCertificates();
    await using directory = await createTemporaryDirectory('executable-serve');
    const configuration = await writeConfiguration(directory.path, { sections: '', certificate: certificates.valid });
    await using postern = await servePostern(configuration, [executable]);
    const url = `http://127.0.0.1:${postern.adminPort}`;
    const health = await runProcess([executable, 'health', '--url', url], { timeoutMs });
    expect(health.code, health.stderr).toBe(0);
    await appendFile(configuration, 'sessions: {maxTotal: 77}\n');
    postern.process.signal('SIGHUP');
    await postern.waitForLog('configurationReloaded');
    postern.process.signal('SIGTERM');
    expect(await inTime('the end', postern.process.ended)).toEqual({ code: 0, signal: null });
  }, 60_000);

  it('leaves nothing beside it, and the package without it', async () => {
    const names = await readdir(built);
    expect(names.filter((name) => name.startsWith('.'))).toEqual([]);
    const args = ['pack', built, '--dry-run', '--json', '--offline', '--cache', join(empty, 'cache')] as const;
    const { code, stdout, stderr } = await runProcess(['npm', ...args], { cwd: empty, timeoutMs });
    expect(code, stderr).toBe(0);
    const packed = [...stdout.toString().matchAll(/"path": "([^"]+)"/g)].map(([, path]) => path);
    expect(packed.sort()).toEqual(names.filter((name) => name !== 'postern').sort());
  });
});
