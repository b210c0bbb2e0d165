import { spawnSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { validate } from 'dockerfile-utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectGreeted } from '../e2e/wire-client.ts';
import { type CommandLine, runProcess, startProcess } from '../support/process.ts';
import { programDirectories } from '../support/programs.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { deployText, pinnedImage } from './files.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dockerfile = deployText('container/Dockerfile');
const stages = dockerfile.split(/^(?=FROM )/m).slice(1);
const [bundle = ''] = stages;
const last = stages.at(-1) ?? '';

/** What an instruction of a stage is given, line by line. */
function instructions(stage: string, name: string): readonly string[] {
  return Array.from(stage.matchAll(new RegExp(`^${name} (.*)$`, 'gm')), ([, given = '']) => given);
}

describe('Dockerfile', () => {
  it('has nothing that its linter complains about', () => {
    expect(validate(dockerfile)).toEqual([]);
  });

  it('is made from images of fixed versions, the last one of nothing at all', () => {
    const images = stages.map((stage) => /^FROM (?:--\S+ )?(\S+)/.exec(stage)?.[1]);
    expect(images.pop()).toBe('scratch');
    for (const image of images) expect(image).toMatch(pinnedImage);
  });

  it('has the runtime that the tests have', async () => {
    const { devDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    expect(dockerfile.match(/node:\d+\.\d+\.\d+/g)).toEqual([
      `node:${devDependencies.node}`,
      `node:${devDependencies.node}`,
    ]);
  });

  it('runs as nobody in particular, without a shell, and asks itself how it is', () => {
    expect(instructions(last, 'USER')).toEqual(['65532:65532']);
    for (const name of ['ENTRYPOINT', 'CMD'])
      expect(JSON.parse(instructions(last, name)[0] ?? '')).toBeInstanceOf(Array);
    const [entry = ''] = instructions(last, 'ENTRYPOINT');
    const [health = ''] = instructions(last, 'HEALTHCHECK');
    expect(JSON.parse(health.slice(health.indexOf('[')))).toEqual([...JSON.parse(entry), 'health']);
  });
});

/** Only root may mount, and not in every container. */
const canMount = process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'true']).status === 0;
const serverPath = programDirectories().join(delimiter);
const environment = Object.fromEntries(instructions(last, 'ENV').map((each) => each.split(/=(.*)/, 2)));
const configuration = `
listeners: [{name: pop3, address: "127.0.0.1:0", tls: starttls}]
admin: {address: "127.0.0.1:0"}
log: {format: json}
`;

describe('the steps of the Dockerfile, outside of Docker', () => {
  const stage = new AsyncDisposableStack();
  let context: string;
  let image: string;

  beforeAll(async () => {
    const { path } = stage.use(await createTemporaryDirectory('container'));
    context = join(path, 'context');
    image = join(path, 'image');
    const kept = (await readFile(join(root, '.dockerignore'), 'utf8')).match(/(?<=^!).+$/gm) ?? [];
    for (const name of kept) {
      await mkdir(dirname(join(context, name)), { recursive: true });
      await cp(join(root, name), join(context, name), { recursive: true });
    }
    // Instead of `npm ci`, which wants the network: what it would install.
    await symlink(join(root, 'node_modules'), join(context, 'node_modules'));
    for (const step of instructions(bundle, 'RUN').filter((line) => line !== 'npm ci'))
      await succeed(['/bin/sh', '-c', step]);
    await succeed([join(context, 'deploy/container/lay-out-root.sh'), image, process.execPath]);
    // Docker's own part: names of the container itself.
    await writeFile(join(image, 'etc/hosts'), '127.0.0.1 localhost\n');
    await cp(join(context, 'dist'), join(image, 'opt/postern'), { recursive: true });
    if (canMount) await succeed([join(context, 'deploy/container/compile-ahead.sh'), image]);
  }, 60_000);
  afterAll(() => stage.disposeAsync());

  async function succeed(command: CommandLine, variables: Readonly<Record<string, string>> = {}) {
    const finished = await runProcess(command, {
      cwd: context,
      timeoutMs: 50_000,
      env: { ...variables, PATH: serverPath },
    });
    expect({ code: finished.code, stderr: finished.code === 0 ? '' : finished.stderr }).toEqual({
      code: 0,
      stderr: '',
    });
    return finished;
  }

  it('make a root directory without a shell', async () => {
    expect(await readdir(join(image, 'usr/bin'))).toEqual(['node']);
    expect((await readdir(image)).toSorted()).not.toContain('bin');
  });

  it.skipIf(!canMount)(
    'make an image in which Postern serves as its user, on a root that it cannot write to',
    async () => {
      await mkdir(join(image, 'proc'));
      // In a namespace of its own: what is mounted there goes with the process.
      const inside = `mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && mount --bind /proc "$0/proc" && exec chroot --userspec=65532:65532 "$0" "$@"`;
      const run: CommandLine = ['unshare', '--mount', 'sh', '-c', inside, image];
      const postern = [...JSON.parse(instructions(last, 'ENTRYPOINT')[0] ?? '')];
      await using server = await startProcess([...run, ...postern, ...JSON.parse(instructions(last, 'CMD')[0] ?? '')], {
        env: { ...environment, PATH: serverPath, POSTERN_CONFIG_YAML: configuration },
      });
      await server.waitForLine(/"event":"ready"/);
      const port = (event: string) =>
        Number(new RegExp(`"event":"${event}".*?"address":"127.0.0.1:(\\d+)"`).exec(server.output())?.[1]);
      using client = await connectGreeted({ port: port('listening') });
      expect(await client.command('QUIT')).toMatch(/^\+OK/);
      const health = [...run, ...postern, 'health', '--url', `http://127.0.0.1:${port('adminListening')}`] as const;
      const { stdout, stderr } = await succeed(health, { ...environment, NODE_DEBUG_NATIVE: 'COMPILE_CACHE' });
      expect(`${stdout}${stderr}`).toMatch(/cache for .*postern\.js was accepted/);
    },
  );
});
