import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSandboxUpstream } from '../../src/commands/demo/sandbox-upstream.ts';
import type { IssuedCertificate } from '../../src/net/certificate-authority.ts';
import { createTestCertificates, type TestCertificates } from '../support/certificates.ts';
import { startDovecot } from '../support/dovecot.ts';
import { program } from '../support/programs.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { runPostern } from './postern-process.ts';
import { startScriptedUpstream } from './scripted-upstream.ts';

interface Target {
  readonly host?: string;
  readonly port: number;
  readonly tls?: 'implicit' | 'starttls';
}

describe('postern probe', () => {
  let certificates: TestCertificates;

  beforeAll(async () => {
    certificates = await createTestCertificates();
  });

  afterAll(() => certificates?.[Symbol.asyncDispose]());

  /** Probes the upstream of a configuration, by a domain that it claims. */
  async function probe({ host = '127.0.0.1', port, tls = 'implicit' }: Target) {
    await using directory = await createTemporaryDirectory('probe');
    const configuration = join(directory.path, 'postern.yaml');
    const upstream = `{name: corp, host: ${host}, port: ${port}, tls: ${tls}, ca: ${certificates.caFile}, domains: [corp.test]}`;
    await writeFile(
      configuration,
      `listeners: [{name: lan, address: "127.0.0.1:0", tls: starttls}]\nupstreams: [${upstream}]\n`,
    );
    const { code, stdout, stderr } = await runPostern(['probe', 'corp.test', '--config', configuration]);
    return { code, output: `${stdout}${stderr}` };
  }

  function startSandbox(tls: IssuedCertificate, mode: 'implicit' | 'starttls' = 'implicit') {
    return startSandboxUpstream({ users: {}, tls, mode });
  }

  it.each([
    ['implicit', 'TLS from the start'],
    ['starttls', 'STLS'],
  ] as const)('describes the sandbox by %s, and exits with 0', async (tls, how) => {
    await using sandbox = await startSandbox(certificates.valid, tls);

    const { code, output } = await probe({ ...sandbox, tls });

    expect(output).toContain(`127.0.0.1:${sandbox.port}, ${how}\n`);
    expect(output).toMatch(/^ {2}TLS +TLSv1\.3, TLS_/m);
    expect(output).toMatch(/^ {2}certificate +localhost, expires \d{4}-\d\d-\d\d \(in \d+ days\)$/m);
    expect(output).toMatch(/^ {2}names +localhost, 127\.0\.0\.1/m);
    expect(output).toMatch(/^ {2}CAPA +.*\bSASL PLAIN\b/m);
    expect(output).toMatch(/^ {2}verified +.* for 127\.0\.0\.1$/m);
    expect(code).toBe(0);
  });

  it('takes a host, a port and an authority from the command line', async () => {
    await using sandbox = await startSandbox(certificates.valid);

    const { code, stdout } = await runPostern(['probe', `localhost:${sandbox.port}`, '--ca', certificates.caFile]);

    expect(stdout.toString()).toMatch(/^ {2}verified +.* for localhost$/m);
    expect(code).toBe(0);
  });

  it.each([
    ['expired', 'expired', /^ {2}certificate +localhost, expired \d{4}-\d\d-\d\d \(\d+ days ago\)$/m],
    ['notYetValid', 'not_yet_valid', /^ {2}certificate +localhost, not valid before \d{4}-\d\d-\d\d$/m],
    ['wrongName', 'name_mismatch', /^ {2}names +somewhere-else\.test$/m],
    ['otherAuthority', 'unknown_issuer', /^ {2}certificate +localhost, expires /m],
    ['selfSigned', 'self_signed', /^ {2}certificate +localhost, expires /m],
  ] as const)(
    'describes a certificate that is %s, says why it fails, and exits with 1',
    async (kind, reason, shown) => {
      await using sandbox = await startSandbox(certificates[kind]);

      const { code, output } = await probe(sandbox);

      expect(output).toMatch(shown);
      expect(output).toMatch(new RegExp(`^ {2}not usable +${reason}: .`, 'm'));
      expect(output).not.toContain('verified');
      expect(code).toBe(1);
    },
  );

  it('exits with 1 where STLS is not offered', async () => {
    await using upstream = await startScriptedUpstream({ answer: () => '-ERR\r\n' });

    const { code, output } = await probe({ port: upstream.port, tls: 'starttls' });

    expect(output).toMatch(/^ {2}not usable +no_stls: /m);
    expect(code).toBe(1);
  });

  it('exits with 1 where nothing listens', async () => {
    const { code, output } = await probe({ port: 1 });

    expect(output).toMatch(/^ {2}not usable +refused: /m);
    expect(code).toBe(1);
  });

  it.skipIf(!program('dovecot')).each([
    ['implicit', 'pop3sPort'],
    ['starttls', 'pop3Port'],
  ] as const)('describes Dovecot by %s, and exits with 0', async (tls, port) => {
    // On this address Dovecot shows no USER in the clear.
    await using dovecot = await startDovecot({ users: {}, tls: certificates.valid, address: '127.0.0.2' });

    const { code, output } = await probe({ host: dovecot.address, port: dovecot[port], tls });

    expect(output).toMatch(/^ {2}TLS +TLSv1\.3, TLS_/m);
    expect(output).toMatch(/^ {2}CAPA +.*\bUSER\b/m);
    expect(output).toMatch(/^ {2}verified /m);
    expect(code).toBe(0);
  });
});

describe('postern demo --once', () => {
  it('tells the whole story in less than 10 s, and exits with 0', async () => {
    const startedAtMs = performance.now();

    const { code, stdout, stderr } = await runPostern(['demo', '--once']);

    const story = stdout.toString();
    expect(code, story + stderr).toBe(0);
    expect(performance.now() - startedAtMs).toBeLessThan(10_000);
    for (const word of ['STLS', 'RETR', 'TLSv1.3', 'postern_logins_total']) expect(story).toContain(word);
  });
});
