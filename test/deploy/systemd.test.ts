import { chmod, cp, mkdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatEndpoint } from '../../src/config/endpoint.ts';
import { type FinishedProcess, runProcess } from '../support/process.ts';
import { program } from '../support/programs.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { deployFiles, deployPath, deployText, readConfig } from './files.ts';

const unit = deployText('systemd/postern@.service');
const socketUnits = deployFiles('systemd').filter((path) => path.endsWith('.socket'));
const config = readConfig(deployText('systemd/postern.yaml'));
const timeoutMs = 20_000;

/** The values of a key, in the order of their lines. */
function valuesOf(text: string, key: string): readonly string[] {
  return text.split('\n').flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));
}

describe('socket units', () => {
  it('are one for each listener of the sample, by name and address', () => {
    const sockets = socketUnits.map(deployText).map((text) => ({
      name: valuesOf(text, 'FileDescriptorName')[0],
      address: valuesOf(text, 'ListenStream')[0],
    }));
    const listeners = config.listeners.map((listener) => ({ name: listener.name, address: formatEndpoint(listener) }));
    expect(sockets.toSorted((a, b) => String(a.name).localeCompare(String(b.name)))).toEqual(listeners);
  });

  it('are those that both instances take', () => {
    expect(
      valuesOf(unit, 'Sockets')[0]
        ?.split(' ')
        .map((name) => `systemd/${name}`),
    ).toEqual(socketUnits.toSorted());
  });
});

describe('the service', () => {
  it('is given longer to stop than its sessions are given to end', () => {
    expect(Number(valuesOf(unit, 'TimeoutStopSec')[0]) * 1000).toBeGreaterThan(config.sessions.drainTimeoutMs);
  });

  it('takes every secret that the sample names as a credential', () => {
    const used = deployText('systemd/postern.yaml').matchAll(/CREDENTIALS_DIRECTORY\}\/([\w-]+)/g);
    const given = valuesOf(unit, 'LoadCredential').map((value) => value.split(':')[0]);
    expect(new Set(Array.from(used, ([, name]) => name))).toEqual(new Set(given));
  });
});

describe.skipIf(program('systemd-analyze') === undefined)('units, as systemd reads them', () => {
  async function analyze(...args: readonly string[]): Promise<FinishedProcess> {
    await using directory = await createTemporaryDirectory('units');
    const { path } = directory;
    await cp(deployPath('systemd'), path, { recursive: true });
    // What is to be started must be there; where it will be is no matter of this test.
    const file = join(path, 'postern@.service');
    await writeFile(file, (await readFile(file, 'utf8')).replaceAll('/opt/postern/current/node', process.execPath));
    // Awaited here: the directory goes with this function.
    return await runProcess(['systemd-analyze', ...args], {
      cwd: path,
      timeoutMs,
      env: { PATH: process.env.PATH ?? '', SYSTEMD_UNIT_PATH: `${path}:` },
    });
  }

  it.each(['./postern@a.service', './postern@b.service', './postern-pop3.socket', './postern-pop3s.socket'])(
    'has nothing to complain about in %s',
    async (name) => {
      const { code, stdout, stderr } = await analyze('verify', '--man=no', name);
      const complaints = `${stdout}${stderr}`.split('\n').filter((line) => /postern/.test(line));
      expect({ code, complaints }).toEqual({ code: 0, complaints: [] });
    },
  );

  it('finds the service exposed by no more than 2.0', async () => {
    const { code, stdout } = await analyze('security', '--offline=true', '--threshold=20', './postern@a.service');
    expect({ code, verdict: /level for .*: (\d+\.\d)/.exec(stdout.toString())?.[1] }).toEqual({
      code: 0,
      verdict: expect.stringMatching(/^[01]\.\d$|^2\.0$/),
    });
  });
});

describe('install.sh', () => {
  it('puts a version beside those that are there, and keeps what an operator wrote', async () => {
    await using directory = await createTemporaryDirectory('install');
    const source = join(directory.path, 'source');
    const root = join(directory.path, 'root');
    await layOutSource(source);
    const install = async (version: string): Promise<void> => {
      await writeFile(
        join(source, 'package.json'),
        `{\n  "name": "postern",\n  "version": "${version}",\n  "x": 1\n}\n`,
      );
      const { code, stderr } = await runProcess([join(source, 'deploy/systemd/install.sh')], {
        timeoutMs,
        env: { PATH: process.env.PATH ?? '', DESTDIR: root },
      });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    };
    await install('0.1.0');
    const secret = await readFile(join(root, 'etc/postern/secrets/admin-token'), 'utf8');
    expect(secret).toMatch(/^[0-9a-f]{48}$/);
    expect((await stat(join(root, 'etc/postern/secrets'))).mode & 0o077).toBe(0);
    await writeFile(join(root, 'etc/postern/postern.yaml'), 'changed');
    await install('0.2.0');
    expect(await readlink(join(root, 'opt/postern/current'))).toBe('0.2.0');
    for (const version of ['0.1.0', '0.2.0']) {
      expect(await readFile(join(root, 'opt/postern', version, 'postern.js'), 'utf8')).toBe('postern.js');
    }
    expect(await readFile(join(root, 'etc/postern/secrets/admin-token'), 'utf8')).toBe(secret);
    expect(await readFile(join(root, 'etc/postern/postern.yaml'), 'utf8')).toBe('changed');
    expect(await readFile(join(root, 'etc/systemd/system/postern@.service'), 'utf8')).toBe(unit);
  });

  async function layOutSource(source: string): Promise<void> {
    await cp(deployPath('systemd'), join(source, 'deploy/systemd'), { recursive: true });
    for (const path of ['dist', 'node_modules/.bin']) await mkdir(join(source, path), { recursive: true });
    for (const name of ['package.json', 'postern.js', 'postern.js.map', 'LICENSE', 'THIRD-PARTY-LICENSES.txt'])
      await writeFile(join(source, 'dist', name), name);
    await symlink('/bin/true', join(source, 'node_modules/.bin/node'));
  }
});

describe('postern-swap', () => {
  /** Runs it where one instance is active, with a systemctl that writes down what it is asked. */
  async function swap(active: 'a' | 'b', { startFails = false } = {}) {
    await using directory = await createTemporaryDirectory('swap');
    const asked = join(directory.path, 'asked');
    const systemctl = join(directory.path, 'systemctl');
    await writeFile(
      systemctl,
      `#!/bin/sh
echo "$@" >>"${asked}"
case "$1" in
  is-active) [ "$3" = "postern@${active}.service" ] ;;
  start) exit ${startFails ? 1 : 0} ;;
esac
`,
    );
    await chmod(systemctl, 0o755);
    const { code, stdout, stderr } = await runProcess([deployPath('systemd/postern-swap')], {
      timeoutMs,
      env: { PATH: `${directory.path}:${process.env.PATH}` },
    });
    const lines = (await readFile(asked, 'utf8')).trim().split('\n');
    return { code, said: `${stdout}${stderr}`, asked: lines.filter((line) => !line.startsWith('is-active')) };
  }

  it.each([
    { active: 'a', other: 'b' },
    { active: 'b', other: 'a' },
  ] as const)('starts $other before it stops $active', async ({ active, other }) => {
    expect(await swap(active)).toMatchObject({
      code: 0,
      asked: [
        'daemon-reload',
        `start postern@${other}.service`,
        `enable --quiet postern@${other}.service`,
        `disable --quiet postern@${active}.service`,
        `stop --no-block postern@${active}.service`,
      ],
    });
  });

  it('leaves the running one alone where the other does not start', async () => {
    const { code, said, asked } = await swap('a', { startFails: true });
    expect({ code, asked }).toEqual({
      code: 1,
      asked: ['daemon-reload', 'start postern@b.service', 'stop postern@b.service'],
    });
    expect(said).toContain('Cannot start postern@b.service');
  });
});
