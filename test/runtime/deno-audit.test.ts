import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { servePostern } from '../e2e/postern-process.ts';
import { startScriptedUpstream } from '../e2e/scripted-upstream.ts';
import { account } from '../e2e/stage.ts';
import { eventually, writeConfiguration } from '../e2e/support.ts';
import { connectGreeted } from '../e2e/wire-client.ts';
import { createTestCertificates } from '../support/certificates.ts';
import { runProcess } from '../support/process.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { auditRecordProblems } from '../telemetry/audit/audit-schema.ts';
import { deno } from './deno-command.ts';

it('on Deno, writes an audit trail, goes on in a new file after SIGHUP, and explains it', async () => {
  await using certificates = await createTestCertificates();
  await using upstream = await startScriptedUpstream({ tls: { ...certificates.valid, start: 'implicit' } });
  await using directory = await createTemporaryDirectory('deno-audit');
  await writeFile(join(directory.path, 'ca.pem'), certificates.ca);
  const corp = `{name: corp, host: 127.0.0.1, port: ${upstream.port}, ca: ca.pem, domains: [corp.test]}`;
  const configuration = await writeConfiguration(directory.path, {
    sections: `upstreams: [${corp}]\naudit: {to: file, file: audit.jsonl}`,
    certificate: certificates.valid,
  });
  const permissions = [`--allow-read=${directory.path}`, `--allow-write=${directory.path}`, '--allow-net=127.0.0.1'];
  await using postern = await servePostern(configuration, deno(...permissions));
  const file = join(directory.path, 'audit.jsonl');
  await eventually(() => readFile(file));
  await rename(file, `${file}.1`);
  postern.process.signal('SIGHUP');
  await eventually(() => readFile(file));

  using client = await connectGreeted({ port: postern.port('starttls') });
  expect(await client.logIn(account.user, account.password)).toMatch(/^\+OK/);
  client.end();

  const records = await eventually(async () => {
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    return lines.map((line) => JSON.parse(line));
  });
  expect(records.flatMap(auditRecordProblems)).toEqual([]);
  // The signal reads the configuration anew as well.
  expect(records.map(({ type }) => type)).toEqual(['admin', 'login', 'session']);
  expect(records[0]).toMatchObject({ action: 'reloadConfiguration', by: 'SIGHUP', result: 'done' });
  const explain = [...deno(`--allow-read=${directory.path}`), 'explain', account.user, '--file', file] as const;
  const { code, stdout, stderr } = await runProcess(explain, { timeoutMs: 15_000 });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.toString()).toMatch(/^user@corp\.test can log in/);
});
