import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { formatEndpoint } from '../../src/config/endpoint.ts';
import { createTestCertificates } from '../support/certificates.ts';
import { runProcess } from '../support/process.ts';
import { program } from '../support/programs.ts';
import { deployFiles, deployPath, deployText, readConfig, yamlDocuments } from './files.ts';

const certificates = await createTestCertificates();
afterAll(() => certificates[Symbol.asyncDispose]());

const [cloudInit] = yamlDocuments(deployText('edge/cloud-init.yaml'));
const readmes = ['README.md', ...(await readdir(deployPath(''))).map((name) => `${name}/README.md`)].filter((path) =>
  existsSync(deployPath(path)),
);

describe('samples in deploy/', () => {
  it.each(deployFiles('').filter((path) => path.endsWith('/postern.yaml')))('%s is a valid configuration', (path) => {
    expect(readConfig(deployText(path), certificates.ca).listeners.length).toBeGreaterThan(0);
  });

  it.each(deployFiles('').filter((path) => /\.ya?ml$/.test(path)))('%s is YAML', (path) => {
    expect(yamlDocuments(deployText(path)).length).toBeGreaterThan(0);
  });

  it.each(readmes)('%s links to what is there', (path) => {
    const links = Array.from(deployText(path).matchAll(/\]\((?!https?:)([^)#]+)/g), ([, target = '']) => target);
    expect(links.filter((target) => !existsSync(join(dirname(deployPath(path)), target)))).toEqual([]);
  });
});

describe('the README', () => {
  it('leads to every way to deploy', async () => {
    const readme = await readFile(deployPath('../README.md'), 'utf8');
    for (const path of readmes) expect(readme).toContain(`(deploy/${path === 'README.md' ? path : dirname(path)})`);
  });
});

describe('cloud-init.yaml', () => {
  it('writes a configuration that is valid, for the sockets that it enables', () => {
    const [file] = cloudInit.write_files;
    expect(file.path).toBe('/etc/postern/postern.yaml');
    const { listeners } = readConfig(file.content);
    const expected = readConfig(deployText('systemd/postern.yaml')).listeners;
    const describeListener = ({ name, host, port }: { name: string; host: string; port: number }) => [
      name,
      formatEndpoint({ host, port }),
    ];
    expect(listeners.map(describeListener)).toEqual(expected.map(describeListener));
  });

  it('runs commands that a shell can read', async () => {
    for (const command of cloudInit.runcmd) {
      const { code, stderr } = await runProcess(['sh', '-n', '-c', command], { timeoutMs: 10_000 });
      expect({ command, code, stderr }).toEqual({ command, code: 0, stderr: '' });
    }
  });
});

describe.skipIf(program('python3') === undefined)('fly.toml', () => {
  async function readFly() {
    const script = 'import json, sys, tomllib; print(json.dumps(tomllib.load(sys.stdin.buffer)))';
    const { code, stdout, stderr } = await runProcess(['python3', '-c', script], {
      input: deployText('edge/fly.toml'),
      timeoutMs: 10_000,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout.toString());
  }

  it('has a configuration that is valid, and a service with the PROXY protocol for each listener', async () => {
    const fly = await readFly();
    const config = readConfig(fly.env.POSTERN_CONFIG_YAML);
    expect(fly.services.map(({ internal_port }: { internal_port: number }) => internal_port)).toEqual(
      config.listeners.map(({ port }) => port),
    );
    for (const { ports } of fly.services) {
      expect(ports[0]).toMatchObject({ handlers: ['proxy_proto'], proxy_proto_options: { version: 'v2' } });
    }
    for (const { proxyProtocolFrom } of config.listeners) expect(proxyProtocolFrom).toBeDefined();
    expect(Number.parseInt(fly.kill_timeout, 10) * 1000).toBeGreaterThan(
      config.sessions.drainDelayMs + config.sessions.drainTimeoutMs,
    );
  });

  it('puts certificates where the configuration reads them, and names a Dockerfile that is there', async () => {
    const fly = await readFly();
    const [certificate] = readConfig(fly.env.POSTERN_CONFIG_YAML).tls.certificates;
    expect(fly.files.map(({ guest_path }: { guest_path: string }) => guest_path)).toEqual([
      certificate?.cert,
      certificate?.key,
    ]);
    expect(existsSync(join(deployPath('edge'), fly.build.dockerfile))).toBe(true);
  });
});
