import { once } from 'node:events';
import { chmod, chown, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestCertificates, type TestCertificates } from '../support/certificates.ts';
import { runProcess } from '../support/process.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { mainFile, runPostern, servePostern } from './postern-process.ts';
import { type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';
import { account } from './stage.ts';
import { type ConfigurationText, inTime, writeConfiguration } from './support.ts';
import { connectGreeted, connectWireClient, type WireClient } from './wire-client.ts';

/** Root is let do what these tests are about; where nobody cannot even read the runtime, they cannot be run. */
const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
const isOrdinaryUserUsable = await runProcess([process.execPath, mainFile, '--version'], {
  ...nobody,
  timeoutMs: 15_000,
})
  .then(({ code }) => code === 0)
  .catch(() => false);

describe('postern serve', () => {
  const stack = new AsyncDisposableStack();
  let certificates: TestCertificates;
  let upstream: ScriptedUpstream;

  beforeAll(async () => {
    certificates = stack.use(await createTestCertificates());
    upstream = stack.use(await startScriptedUpstream({ tls: { ...certificates.valid, start: 'implicit' } }));
  });

  afterAll(() => stack.disposeAsync());

  /** Hands over the path of a configuration in a directory of its own. */
  async function withConfiguration<T>(
    options: Partial<ConfigurationText>,
    use: (configuration: string) => Promise<T>,
  ): Promise<T> {
    await using directory = await createTemporaryDirectory('serve');
    const { port } = upstream;
    const corp = `upstreams: [{name: corp, host: 127.0.0.1, port: ${port}, ca: ca.pem, domains: [corp.test]}]`;
    await writeFile(join(directory.path, 'ca.pem'), certificates.ca);
    const path = await writeConfiguration(directory.path, {
      ...options,
      sections: `${corp}\n${options.sections ?? ''}`,
      certificate: certificates.valid,
    });
    return await use(path);
  }

  async function logIn(port: number): Promise<WireClient> {
    const client = await connectGreeted({ port });
    expect(await client.logIn(account.user, account.password)).toMatch(/^\+OK/);
    return client;
  }

  const lastConnection = () => upstream.connection(upstream.connections.length - 1);

  it('lets a session end after SIGTERM, takes no new one, and exits with 0', async () => {
    await withConfiguration({}, async (configuration) => {
      await using postern = await servePostern(configuration);
      const port = postern.port('starttls');
      using client = await logIn(port);

      postern.process.signal('SIGTERM');
      await postern.waitForLog('draining');

      await expect(connectWireClient({ port })).rejects.toThrow('ECONNREFUSED');
      expect((await fetch(`http://127.0.0.1:${postern.adminPort}/readyz`)).status).toBe(503);
      expect(await client.command('NOOP')).toBe('+OK');
      client.end();
      expect(await inTime('the exit', postern.process.ended)).toEqual({ code: 0, signal: null });
      expect(postern.process.output()).toContain('"event":"stopped"');
    });
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('exits with 0 at once on %s when there is no session', async (signal) => {
    await withConfiguration({}, async (configuration) => {
      await using postern = await servePostern(configuration);

      postern.process.signal(signal);

      expect(await inTime('the exit', postern.process.ended)).toEqual({ code: 0, signal: null });
    });
  });

  it('cuts the sessions left after drainTimeout, without a QUIT, and exits with 0', async () => {
    await withConfiguration({ sections: 'sessions: {drainTimeout: 1s}' }, async (configuration) => {
      await using postern = await servePostern(configuration);
      using client = await logIn(postern.port('starttls'));
      expect(await client.command('DELE 1')).toBe('+OK');

      postern.process.signal('SIGTERM');

      expect(await client.closed()).toBe('');
      expect(await inTime('the exit', postern.process.ended)).toEqual({ code: 0, signal: null });
      const { lines, ended } = await lastConnection();
      expect(await ended).toMatch(/end|reset/);
      expect(lines.at(-1)).toBe('DELE 1');
      expect(postern.process.output()).toContain('"reason":"drained"');
    });
  });

  it('ends at once on a second signal, without a QUIT', async () => {
    await withConfiguration({ sections: 'sessions: {drainTimeout: 1h}' }, async (configuration) => {
      await using postern = await servePostern(configuration);
      using client = await logIn(postern.port('starttls'));
      expect(await client.command('DELE 1')).toBe('+OK');

      postern.process.signal('SIGTERM');
      await postern.waitForLog('draining');
      postern.process.signal('SIGINT');

      expect(await client.closed()).toBe('');
      expect(await inTime('the exit', postern.process.ended)).toEqual({ code: 0, signal: null });
      expect((await lastConnection()).lines.at(-1)).toBe('DELE 1');
    });
  });

  it('says in one line which listener has a port that is in use, and exits with 1', async () => {
    await using blocker = await listenSomewhere();
    const listeners = `[{name: lan, address: "127.0.0.1:${blocker.port}", tls: starttls}]`;
    await withConfiguration({ listeners }, async (configuration) => {
      const { code, stderr } = await runPostern(['serve', '--config', configuration]);

      expect(stderr).toBe(
        `Cannot listen on 127.0.0.1:${blocker.port} (lan): another program uses this port; stop it or choose another port\n`,
      );
      expect(code).toBe(1);
    });
  });

  it('says in one line that a port needs a privilege, and exits with 1', async ({ skip }) => {
    if (!isOrdinaryUserUsable) skip();
    if (await isLowPortOpenToAll()) skip();
    await withConfiguration(
      { listeners: '[{name: lan, address: "127.0.0.1:11", tls: starttls}]' },
      async (configuration) => {
        await giveToNobody(dirname(configuration));

        const { code, stderr } = await runPostern(['serve', '--config', configuration], nobody);

        expect(stderr).toBe(
          'Cannot listen on 127.0.0.1:11 (lan): ports below 1024 need a privilege; use a higher port, or grant CAP_NET_BIND_SERVICE\n',
        );
        expect(code).toBe(1);
      },
    );
  });

  it('names a key that it may not read, and exits with 78', async ({ skip }) => {
    if (!isOrdinaryUserUsable) skip();
    await withConfiguration({}, async (configuration) => {
      const directory = dirname(configuration);
      await giveToNobody(directory);
      await chmod(join(directory, 'key.pem'), 0);

      const { code, stderr } = await runPostern(['serve', '--config', configuration], nobody);

      expect(stderr).toBe(`Cannot read "${join(directory, 'key.pem')}": permission denied\n`);
      expect(code).toBe(78);
    });
  });

  it.each([
    ['that belongs to another certificate', () => certificates.expired.key, 'its key belongs to another certificate'],
    ['that is none', () => 'no key', 'it is no private key in PEM form without a passphrase'],
  ])('names a key %s, and exits with 78', async (_title, key, why) => {
    await withConfiguration({}, async (configuration) => {
      await writeFile(join(dirname(configuration), 'key.pem'), key());

      const { code, stderr } = await runPostern(['serve', '--config', configuration]);

      expect(stderr).toMatch(/^Cannot use .*fullchain\.pem.*\n$/);
      expect(stderr).toContain(why);
      expect(code).toBe(78);
    });
  });

  it('names every problem of a configuration with its line, and exits with 78', async () => {
    await using directory = await createTemporaryDirectory('serve');
    const configuration = join(directory.path, 'postern.yaml');
    await writeFile(
      configuration,
      `listeners:
  - {name: lan, address: "127.0.0.1:99999", tls: starttls}
upstreams:
  - {name: corp, host: mail.example.com, tls: "off"}
sessions: {idleTimout: 10m}
redis: {url: "redis://:hunter2hunter2@127.0.0.1:6379/zero"}
`,
    );

    const { code, stderr, stdout } = await runPostern(['serve', '--config', configuration]);

    expect(stdout.toString()).toBe('');
    for (const place of [/:2\b.*address/, /:4\b.*tls/, /:5\b.*idleTimout/, /:6\b.*url/]) expect(stderr).toMatch(place);
    expect(stderr).not.toContain('hunter2');
    expect(code).toBe(78);
  });

  it('says that a configuration file is not there, and exits with 78', async () => {
    const { code, stderr } = await runPostern(['serve', '--config', '/nowhere/postern.yaml']);

    expect(stderr).toMatch(/^Cannot read .*"\/nowhere\/postern\.yaml".*\n$/);
    expect(code).toBe(78);
  });

  it.each([[['serve', '--confg', 'x']], [['sreve']]])('exits with 64 and names the help for %j', async (args) => {
    const { code, stderr } = await runPostern(args);

    expect(stderr).toContain('postern --help');
    expect(code).toBe(64);
  });
});

async function listenSomewhere(): Promise<{ readonly port: number } & AsyncDisposable> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Cannot listen: the server has no port');
  return { port: address.port, [Symbol.asyncDispose]: async () => void (await once(server.close(), 'close')) };
}

/** Whether this machine lets an ordinary user listen on a port that usually needs a privilege. */
async function isLowPortOpenToAll(): Promise<boolean> {
  const script =
    'require("node:net").createServer().listen(11, "127.0.0.1", () => process.exit(0)).on("error", () => process.exit(1))';
  return (await runProcess([process.execPath, '-e', script], { ...nobody, timeoutMs: 15_000 })).code === 0;
}

async function giveToNobody(directory: string): Promise<void> {
  const { uid, gid } = nobody;
  if (uid === undefined) return;
  for (const name of ['', 'postern.yaml', 'ca.pem', 'fullchain.pem', 'key.pem'])
    await chown(join(directory, name), uid, gid);
}
