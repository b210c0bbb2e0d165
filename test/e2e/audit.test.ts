import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestCertificates, type TestCertificates } from '../support/certificates.ts';
import { runProcess } from '../support/process.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { auditRecordProblems } from '../telemetry/audit/audit-schema.ts';
import { runPostern, type ServedPostern, servePostern } from './postern-process.ts';
import { type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';
import { account } from './stage.ts';
import { adminToken, eventually, expectFreeOf, inTime, writeConfiguration } from './support.ts';
import { connectGreeted } from './wire-client.ts';

type Written = Readonly<Record<string, unknown>>;

describe('the audit trail of postern serve', () => {
  const stack = new AsyncDisposableStack();
  let certificates: TestCertificates;
  let upstream: ScriptedUpstream;

  beforeAll(async () => {
    certificates = stack.use(await createTestCertificates());
    upstream = stack.use(await startScriptedUpstream({ tls: { ...certificates.valid, start: 'implicit' } }));
  });
  afterAll(() => stack.disposeAsync());

  /** Serves with `audit` in a directory of its own, in which the trail is `audit.jsonl`. */
  async function withPostern(
    audit: string,
    use: (parts: { postern: ServedPostern; directory: string; configuration: string }) => Promise<void>,
    prepare: (directory: string) => Promise<unknown> = async () => {},
  ): Promise<void> {
    await using directory = await createTemporaryDirectory('audit');
    await writeFile(join(directory.path, 'ca.pem'), certificates.ca);
    const { port } = upstream;
    const corp = `{name: corp, host: 127.0.0.1, port: ${port}, ca: ca.pem, domains: [corp.test]}`;
    const configuration = await writeConfiguration(directory.path, {
      sections: `upstreams: [${corp}]\naudit: ${audit}`,
      certificate: certificates.valid,
    });
    await prepare(directory.path);
    await using postern = await servePostern(configuration);
    await use({ postern, directory: directory.path, configuration });
  }

  async function recordsOf(file: string, count: number): Promise<readonly Written[]> {
    return eventually(async () => {
      const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
      if (lines.length < count) throw new Error(`Cannot find ${count} records: ${lines.join('\n')}`);
      return lines.map((line): Written => JSON.parse(line));
    });
  }

  async function runSession(postern: ServedPostern): Promise<void> {
    using client = await connectGreeted({ port: postern.port('starttls') });
    expect(await client.logIn(account.user, account.password)).toMatch(/^\+OK/);
    expect(await client.command('DELE 1')).toMatch(/^\+OK/);
    expect(await client.command('QUIT')).toMatch(/^\+OK/);
    client.end();
    await client.closed();
  }

  it('has records of its schema, free of passwords, and postern explain tells them', async () => {
    await withPostern('{to: file, file: audit.jsonl}', async ({ postern, directory, configuration }) => {
      await runSession(postern);
      using stranger = await connectGreeted({ port: postern.port('starttls') });
      expect(await stranger.logIn('user@nowhere.test', 'another secret')).toMatch(/^-ERR/);
      stranger.end();

      const file = join(directory, 'audit.jsonl');
      const records = await recordsOf(file, 4);
      expect(records.flatMap(auditRecordProblems)).toEqual([]);
      expect(records).toMatchObject([
        { type: 'login', account: account.user, result: 'accepted', guard: { decision: 'allowed' } },
        { type: 'session', account: account.user, deleCommands: 1, quitCommands: 1, upstream: { name: 'corp' } },
        { type: 'login', account: 'user@nowhere.test', result: 'unrouted', guard: { decision: 'not_asked' } },
        { type: 'session', loginAttempts: 1 },
      ]);
      expectFreeOf(await readFile(file, 'utf8'), [account.password, 'another secret']);

      const session = String(records[0]?.session);
      const told = await runPostern(['explain', session, '--config', configuration]);
      expect({ code: told.code, stderr: told.stderr }).toEqual({ code: 0, stderr: '' });
      expect(told.stdout.toString()).toContain('asked to delete 1 message and said QUIT, which makes it so');
      const why = await runPostern(['explain', 'user@nowhere.test', '--file', file]);
      expect(why.stdout.toString()).toMatch(/^user@nowhere\.test cannot log in: no mail server is known/);
    });
  });

  it('has what an admin did, and what nobody was let do', async () => {
    await withPostern('{to: file, file: audit.jsonl}', async ({ postern, directory }) => {
      const ask = (token: string) =>
        fetch(`http://127.0.0.1:${postern.adminPort}/api/v1/sessions/ab12-1`, {
          method: 'DELETE',
          headers: { Authorization: `Bearer ${token}` },
        });
      expect((await ask(adminToken)).status).toBe(404);
      expect((await ask('no-token-of-this-server')).status).toBe(401);
      const file = join(directory, 'audit.jsonl');
      const records = await recordsOf(file, 2);
      expect(records.flatMap(auditRecordProblems)).toEqual([]);
      expect(records).toMatchObject([
        { type: 'admin', by: 'ops', role: 'operator', action: 'endSession', target: 'ab12-1', result: 'not_found' },
        { type: 'admin', address: '127.0.0.1', action: 'authenticate', result: 'refused' },
      ]);
      expectFreeOf(await readFile(file, 'utf8'), [adminToken, 'no-token-of-this-server']);
    });
  });

  it('goes on in a new file after SIGHUP, with nothing lost', async () => {
    await withPostern('{to: file, file: audit.jsonl}', async ({ postern, directory }) => {
      const file = join(directory, 'audit.jsonl');
      await runSession(postern);
      await recordsOf(file, 2);
      await rename(file, `${file}.1`);
      postern.process.signal('SIGHUP');
      await eventually(() => readFile(file));
      await runSession(postern);
      // The signal reads the configuration anew, too, which leaves a record of its own.
      expect((await recordsOf(file, 3)).map(({ type }) => type)).toEqual(['admin', 'login', 'session']);
      expect(await recordsOf(`${file}.1`, 2)).toHaveLength(2);
    });
  });

  it('loses no session and ends in time where its file is a full disk or a pipe that nobody reads', async () => {
    for (const prepare of [
      (directory: string) =>
        runProcess(['ln', '-s', '/dev/full', join(directory, 'audit.jsonl')], { timeoutMs: 15_000 }),
      (directory: string) => runProcess(['mkfifo', join(directory, 'audit.jsonl')], { timeoutMs: 15_000 }),
    ]) {
      await withPostern(
        '{to: file, file: audit.jsonl}',
        async ({ postern }) => {
          for (let session = 0; session < 3; session += 1) await runSession(postern);
          await postern.waitForLog('auditTrouble');
          postern.process.signal('SIGTERM');
          expect(await inTime('the exit', postern.process.ended)).toEqual({ code: 0, signal: null });
          expect(postern.process.output()).toContain('"event":"auditLoss"');
        },
        prepare,
      );
    }
  });

  it('has its last records when Postern ends, among the log on standard output', async () => {
    await withPostern('{to: stdout, accounts: hashed, hashKey: a-secret-of-the-tests}', async ({ postern }) => {
      using client = await connectGreeted({ port: postern.port('starttls') });
      expect(await client.logIn(account.user, account.password)).toMatch(/^\+OK/);
      client.end();
      postern.process.signal('SIGTERM');
      await inTime('the exit', postern.process.ended);
      const records = postern.process
        .output()
        .split('\n')
        .filter((line) => line.startsWith('{"v":'))
        .map((line): Written => JSON.parse(line));
      expect(records.map(({ type }) => type)).toEqual(['login', 'session']);
      expect(records.flatMap(auditRecordProblems)).toEqual([]);
      expect(JSON.stringify(records)).not.toContain(account.user);
    });
  });
});
