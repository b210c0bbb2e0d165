import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { servePostern } from '../e2e/postern-process.ts';
import { startScriptedUpstream } from '../e2e/scripted-upstream.ts';
import { inTime, writeConfiguration } from '../e2e/support.ts';
import { connectGreeted } from '../e2e/wire-client.ts';
import { createTestCertificates } from '../support/certificates.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { deno } from './deno-command.ts';

const replies: Readonly<Record<string, string>> = {
  CAPA: '+OK\r\nUSER\r\nSASL PLAIN\r\nPIPELINING\r\n.\r\n',
  STAT: '+OK 1 120\r\n',
  UIDL: '+OK\r\n1 one\r\n.\r\n',
  LIST: '+OK\r\n1 120\r\n.\r\n',
  'RETR 1': '+OK\r\nmail\r\n.\r\n',
};

it('on Deno a session that is read ahead gets what it asks, and the end of an upstream in its place', async () => {
  await using certificates = await createTestCertificates();
  await using upstream = await startScriptedUpstream({
    tls: { ...certificates.valid, start: 'implicit' },
    answer: (line) => replies[line],
  });
  await using directory = await createTemporaryDirectory('deno');
  await writeFile(join(directory.path, 'ca.pem'), certificates.ca);
  const configuration = await writeConfiguration(directory.path, {
    sections: `upstreams: [{name: corp, host: 127.0.0.1, port: ${upstream.port}, ca: ca.pem, domains: [corp.test], readAhead: true}]`,
    certificate: certificates.valid,
  });
  await using postern = await servePostern(
    configuration,
    deno(`--allow-read=${directory.path}`, '--allow-net=127.0.0.1'),
  );
  using client = await connectGreeted({ port: postern.port('starttls') });
  expect(await client.logIn('user@corp.test', 'open sesame')).toMatch(/^\+OK/);
  expect(await client.command('STAT')).toBe('+OK 1 120');
  expect(await client.multilineCommand('UIDL')).toEqual(['1 one']);
  expect(await client.multilineCommand('RETR 1')).toEqual(['mail']);
  client.end();
  await client.closed();
  const connection = await upstream.connection();
  expect(connection.lines.slice(-5)).toEqual(['STAT', 'UIDL', 'LIST', 'CAPA', 'RETR 1']);

  using other = await connectGreeted({ port: postern.port('starttls') });
  expect(await other.logIn('user@corp.test', 'open sesame')).toMatch(/^\+OK/);
  const second = await upstream.connection(1);
  second.socket.end();
  await inTime('the end', second.ended);
  for (const [verb, count] of [
    ['STAT', 0],
    ['LIST', 1],
    ['UIDL', 1],
  ] as const) {
    if (count === 0) expect(await other.command(verb)).toBe('+OK 1 120');
    else expect(await other.multilineCommand(verb)).toHaveLength(count);
  }
  other.send('RETR 1\r\n');
  expect(await other.closed()).toBe('');
  postern.process.signal('SIGTERM');
  expect(await inTime('the exit', postern.process.ended)).toEqual({ code: 0, signal: null });
});
