import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestCertificates, type TestCertificates } from '../support/certificates.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { type ServedPostern, servePostern } from './postern-process.ts';
import { type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';
import { account } from './stage.ts';
import { eventually, expectFreeOf, writeConfiguration } from './support.ts';
import { connectGreeted } from './wire-client.ts';

const wrongPassword = 'a guess of the tests';

describe('login lines of postern serve', () => {
  const stack = new AsyncDisposableStack();
  let certificates: TestCertificates;
  let upstream: ScriptedUpstream;

  beforeAll(async () => {
    certificates = stack.use(await createTestCertificates());
    const answer = (line: string) => (line.includes(wrongPassword) ? '-ERR [AUTH] No\r\n' : undefined);
    upstream = stack.use(await startScriptedUpstream({ tls: { ...certificates.valid, start: 'implicit' }, answer }));
  });
  afterAll(() => stack.disposeAsync());

  async function serve(directory: string, log: string): Promise<ServedPostern> {
    await writeFile(join(directory, 'ca.pem'), certificates.ca);
    const corp = `{name: corp, host: 127.0.0.1, port: ${upstream.port}, ca: ca.pem, domains: [corp.test]}`;
    const configuration = await writeConfiguration(directory, {
      sections: `upstreams: [${corp}]\nlimits: {replyDelay: {first: 0s}}`,
      certificate: certificates.valid,
    });
    const text = await readFile(configuration, 'utf8');
    await writeFile(configuration, text.replace('log: {', `log: {${log}, `));
    return servePostern(configuration);
  }

  async function logIn(postern: ServedPostern, password: string): Promise<string> {
    using client = await connectGreeted({ port: postern.port('starttls') });
    const reply = await client.logIn(account.user, password);
    client.end();
    return reply;
  }

  async function linesOf(read: () => Promise<string>, count: number): Promise<readonly string[]> {
    return eventually(async () => {
      const lines = (await read()).split('\n').filter((line) => line.includes(' dovecot: '));
      if (lines.length < count) throw new Error(`Cannot find ${count} lines: ${lines.join('\n')}`);
      return lines;
    });
  }

  const accepted =
    /^\S+Z \S+ dovecot: pop3-login: Login: user=<user@corp\.test>, method=PLAIN, rip=127\.0\.0\.1, lip=127\.0\.0\.1, mpid=\d+, session=<\S+>$/;
  const refused =
    /^\S+Z \S+ dovecot: pop3-login: Aborted login \(auth failed, 1 attempts in \d+ secs\): user=<user@corp\.test>, method=PLAIN, rip=127\.0\.0\.1, lip=127\.0\.0\.1, session=<\S+>$/;

  it('go to a file, and to a new one when the old one was moved away', async () => {
    await using directory = await createTemporaryDirectory('login-lines');
    await using postern = await serve(directory.path, 'loginLines: dovecot, loginLinesFile: logins.log');
    const file = join(directory.path, 'logins.log');
    expect(await logIn(postern, account.password)).toMatch(/^\+OK/);
    expect(await logIn(postern, wrongPassword)).toMatch(/^-ERR/);
    const lines = await linesOf(() => readFile(file, 'utf8'), 2);
    expect(lines).toEqual([expect.stringMatching(accepted), expect.stringMatching(refused)]);

    await rename(file, `${file}.1`);
    postern.process.signal('SIGHUP');
    await eventually(() => readFile(file));
    expect(await logIn(postern, account.password)).toMatch(/^\+OK/);
    expect(await linesOf(() => readFile(file, 'utf8'), 1)).toEqual([expect.stringMatching(accepted)]);
    expectFreeOf([...lines, postern.process.output()].join('\n'), [account.password, wrongPassword]);
    // The log itself has none of them.
    expect(postern.process.output()).not.toContain(' dovecot: ');
  });

  it('stand among the lines of the log where no file is named', async () => {
    await using directory = await createTemporaryDirectory('login-lines');
    await using postern = await serve(directory.path, 'loginLines: dovecot');
    await logIn(postern, wrongPassword);
    const lines = await linesOf(async () => postern.process.output(), 1);
    expect(lines).toEqual([expect.stringMatching(refused)]);
    await postern.waitForLog('loginFinished');
  });
});
