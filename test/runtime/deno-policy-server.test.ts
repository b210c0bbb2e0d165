import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { servePostern } from '../e2e/postern-process.ts';
import { startScriptedUpstream } from '../e2e/scripted-upstream.ts';
import { account } from '../e2e/stage.ts';
import { eventually, writeConfiguration } from '../e2e/support.ts';
import { connectGreeted } from '../e2e/wire-client.ts';
import { createTestCertificates } from '../support/certificates.ts';
import { startPolicyServer, status } from '../support/policy-server.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { deno } from './deno-command.ts';

it('on Deno, asks a policy server over verified TLS, tells it of logins, and writes login lines', async () => {
  await using certificates = await createTestCertificates();
  await using upstream = await startScriptedUpstream({ tls: { ...certificates.valid, start: 'implicit' } });
  await using policy = await startPolicyServer({ tls: certificates.valid });
  await using untrusted = await startPolicyServer({ tls: certificates.otherAuthority });
  await using directory = await createTemporaryDirectory('deno-policy');
  await writeFile(join(directory.path, 'ca.pem'), certificates.ca);
  const corp = `{name: corp, host: 127.0.0.1, port: ${upstream.port}, ca: ca.pem, domains: [corp.test]}`;
  const serve = async (url: string) => {
    const asked = `url: "${url}", ca: ca.pem, hashNonce: localized_random_string, timeout: 10s, onFailure: reject`;
    const configuration = await writeConfiguration(directory.path, {
      sections: `upstreams: [${corp}]\npolicyServer: {${asked}}\nlimits: {replyDelay: {first: 0s}}`,
      certificate: certificates.valid,
    });
    const text = await readFile(configuration, 'utf8');
    await writeFile(configuration, text.replace('log: {', 'log: {loginLines: dovecot, loginLinesFile: logins.log, '));
    const permissions = [`--allow-read=${directory.path}`, `--allow-write=${directory.path}`, '--allow-net=127.0.0.1'];
    return servePostern(configuration, deno(...permissions));
  };
  const logIn = async (port: number): Promise<string> => {
    using client = await connectGreeted({ port });
    return await client.logIn(account.user, account.password);
  };

  {
    await using postern = await serve(policy.url);
    expect(await logIn(postern.port('starttls'))).toMatch(/^\+OK/);
    await eventually(() => expect(policy.requests.map(({ command }) => command)).toEqual(['allow', 'report']));
    expect(policy.requests[1]?.body).toEqual({ ...policy.requests[0]?.body, success: true, policy_reject: false });
    policy.answer(status(-1, 'Not you'));
    expect(await logIn(postern.port('starttls'))).toBe('-ERR [SYS/PERM] Not you');
    const lines = await eventually(async () => {
      const written = (await readFile(join(directory.path, 'logins.log'), 'utf8')).trimEnd().split('\n');
      expect(written).toHaveLength(2);
      return written;
    });
    expect(lines[0]).toMatch(
      / dovecot: pop3-login: Login: user=<user@corp\.test>, .*rip=127\.0\.0\.1, lip=127\.0\.0\.1/,
    );
    expect(lines[1]).toMatch(/ dovecot: pop3-login: Aborted login \(authorization failed, /);
  }
  await using postern = await serve(untrusted.url);
  expect(await logIn(postern.port('starttls'))).toMatch(/^-ERR \[SYS\/TEMP\] /);
  expect(untrusted.requests).toEqual([]);
});
