import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sampleMessages } from '../../src/commands/demo/sample-mail.ts';
import { startSandboxUpstream } from '../../src/commands/demo/sandbox-upstream.ts';
import { type ServedPostern, servePostern } from '../e2e/postern-process.ts';
import { startScriptedUpstream } from '../e2e/scripted-upstream.ts';
import { expectFreeOf, inTime, writeConfiguration } from '../e2e/support.ts';
import { connectGreeted } from '../e2e/wire-client.ts';
import { createTestCertificates, type TestCertificates } from '../support/certificates.ts';
import { runProcess } from '../support/process.ts';
import { program } from '../support/programs.ts';
import { startRedis } from '../support/redis.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { deno } from './deno-command.ts';

const user = 'user@corp.test';
const password = 'pl4nted s3cret';

describe('on Deno, with named permissions', () => {
  const stack = new AsyncDisposableStack();
  let certificates: TestCertificates;

  beforeAll(async () => {
    certificates = stack.use(await createTestCertificates());
  });

  afterAll(() => stack.disposeAsync());

  /** Starts `postern serve` in front of one upstream, on a configuration in a directory of its own. */
  async function serve(
    { port, tls = 'implicit' }: { readonly port: number; readonly tls?: 'implicit' | 'starttls' },
    sections = '',
  ): Promise<ServedPostern> {
    await using owned = new AsyncDisposableStack();
    const directory = owned.use(await createTemporaryDirectory('deno'));
    await writeFile(join(directory.path, 'ca.pem'), certificates.ca);
    const configuration = await writeConfiguration(directory.path, {
      sections: `upstreams: [{name: corp, host: 127.0.0.1, port: ${port}, tls: ${tls}, ca: ca.pem, domains: [corp.test]}]\n${sections}`,
      certificate: certificates.valid,
    });
    const postern = owned.use(
      await servePostern(configuration, deno(`--allow-read=${directory.path}`, '--allow-net=127.0.0.1')),
    );
    const disposable = owned.move();
    return { ...postern, [Symbol.asyncDispose]: () => disposable.disposeAsync() };
  }

  function startSandbox(mode: 'implicit' | 'starttls') {
    return startSandboxUpstream({
      users: { [user]: { password, messages: sampleMessages } },
      tls: certificates.valid,
      mode,
    });
  }

  it.each(['implicit', 'starttls'] as const)('serves a login behind STLS at an upstream by %s', async (tls) => {
    await using sandbox = await startSandbox(tls);
    await using postern = await serve({ port: sandbox.port, tls });
    using client = await connectGreeted({ port: postern.port('starttls') });
    await client.startTls(certificates.ca);

    expect(await client.logIn(user, password)).toMatch(/^\+OK/);
    const message = await client.multilineCommand('RETR 1');
    expect(`${message.join('\r\n')}\r\n`).toBe(Buffer.from(sampleMessages[0] ?? []).toString('latin1'));

    const metrics = await (await fetch(`http://127.0.0.1:${postern.adminPort}/metrics`)).text();
    expect(metrics).toMatch(/^postern_build_info\{version="[^"]+",runtime="deno 2\./m);
    const login = '{listener="starttls",upstream="corp",transport="stls",result="accepted"}';
    expect(metrics).toContain(`postern_logins_total${login} 1\n`);
    expect(metrics).toContain('postern_commands_total{command="RETR"} 1\n');
    expect(metrics).toMatch(/^process_resident_memory_bytes [1-9]/m);

    postern.process.signal('SIGTERM');
    await postern.waitForLog('draining');
    expect(await client.command('QUIT')).toMatch(/^\+OK/);
    expect(await inTime('the exit', postern.process.ended)).toEqual({ code: 0, signal: null });
    expectFreeOf(postern.process.output(), [password]);
  });

  it.each(['starttls', 'implicit'] as const)('serves a login over %s', async (listener) => {
    await using sandbox = await startSandbox('implicit');
    await using postern = await serve(sandbox);
    const implicitTlsCa = listener === 'implicit' ? { implicitTlsCa: certificates.ca } : {};
    using client = await connectGreeted({ port: postern.port(listener), ...implicitTlsCa });

    expect(await client.logIn(user, password)).toMatch(/^\+OK/);

    expect(await client.multilineCommand('LIST')).toHaveLength(sampleMessages.length);
    expect(await client.command('QUIT')).toMatch(/^\+OK/);
  });

  it.each([
    // Deno has one word for both.
    ['expired', 'has a certificate that cannot be verified'],
    ['wrongName', 'has a certificate for another name'],
    ['otherAuthority', 'has a certificate that cannot be verified'],
  ] as const)('sends no login to an upstream whose certificate is %s', async (kind, what) => {
    await using upstream = await startScriptedUpstream({ tls: { ...certificates[kind], start: 'implicit' } });
    await using postern = await serve(upstream);
    using client = await connectGreeted({ port: postern.port('starttls') });

    expect(await client.logIn(user, password)).toBe(
      `-ERR [SYS/TEMP] 127.0.0.1 ${what}, so your password was not sent. Please tell your administrator`,
    );

    expect(upstream.connections.flatMap(({ lines }) => lines)).toEqual([]);
  });

  it.skipIf(!program('redis-server'))('keeps its limits in Redis', async () => {
    await using redis = await startRedis();
    await using sandbox = await startSandbox('implicit');
    await using postern = await serve(
      sandbox,
      `limits: {perAddressAndAccount: {failures: 1}}\nredis: {url: "${redis.url}", timeout: 2s}`,
    );
    using client = await connectGreeted({ port: postern.port('starttls') });

    expect(await client.logIn(user, 'wrong')).toMatch(/^-ERR \[AUTH\]/);
    expect(await client.logIn(user, password)).toMatch(/^-ERR \[SYS\/TEMP\] Too many failed logins/);

    const metrics = await (await fetch(`http://127.0.0.1:${postern.adminPort}/metrics`)).text();
    expect(metrics).toContain('postern_store_up{store="redis"} 1\n');
    expect(metrics).toContain('postern_blocked{limit="perAddressAndAccount"} 1\n');
  });

  it('tells the demo, and exits with 0', async () => {
    const { code, stdout, stderr } = await runProcess([...deno('--allow-net=127.0.0.1'), 'demo', '--once'], {
      timeoutMs: 15_000,
    });

    expect(code, `${stdout}${stderr}`).toBe(0);
    expect(stdout.toString()).toContain('RETR');
  });
});
