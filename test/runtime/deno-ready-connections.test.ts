import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startFarRoad } from '../e2e/far-road.ts';
import { servePostern } from '../e2e/postern-process.ts';
import { startScriptedUpstream } from '../e2e/scripted-upstream.ts';
import { eventually, inTime, writeConfiguration } from '../e2e/support.ts';
import { connectGreeted } from '../e2e/wire-client.ts';
import { createTestCertificates } from '../support/certificates.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { deno } from './deno-command.ts';

it.each(['implicit', 'starttls'] as const)('on Deno a login over %s takes a connection held ready', async (tls) => {
  await using certificates = await createTestCertificates();
  await using upstream = await startScriptedUpstream({
    tls: { ...certificates.valid, start: tls === 'implicit' ? tls : 'stls' },
  });
  await using road = await startFarRoad(upstream.port, { roundTripMs: 40 });
  await using directory = await createTemporaryDirectory('deno');
  await writeFile(join(directory.path, 'ca.pem'), certificates.ca);
  const configuration = await writeConfiguration(directory.path, {
    sections: `upstreams: [{name: corp, host: 127.0.0.1, port: ${road.port}, tls: ${tls}, ca: ca.pem, domains: [corp.test]}]`,
    certificate: certificates.valid,
  });
  await using postern = await servePostern(
    configuration,
    deno(`--allow-read=${directory.path}`, '--allow-net=127.0.0.1'),
  );
  const logIn = async (): Promise<void> => {
    using client = await connectGreeted({ port: postern.port('starttls') });
    expect(await client.logIn('user@corp.test', 'open sesame')).toMatch(/^\+OK/);
    expect(await client.command('NOOP')).toMatch(/^\+OK/);
  };
  const metrics = async (): Promise<string> => (await fetch(`http://127.0.0.1:${postern.adminPort}/metrics`)).text();
  const count = (state: string): string => `postern_upstream_ready${state}`;

  for (let made = 0; made < 4; made += 1) await logIn();
  await eventually(async () => expect(await metrics()).toContain(`${count('{upstream="corp"}')} 1\n`));
  await logIn();
  expect(await metrics()).toContain(`${count('_total{upstream="corp",outcome="used"}')} 1\n`);

  // What the server closes is noticed, and costs no login.
  await eventually(async () => expect(await metrics()).toContain(`${count('{upstream="corp"}')} 1\n`));
  upstream.connections.at(-1)?.socket.end();
  await eventually(async () => expect(await metrics()).toContain(`${count('{upstream="corp"}')} 0\n`));
  await logIn();
  postern.process.signal('SIGTERM');
  expect(await inTime('the exit', postern.process.ended)).toEqual({ code: 0, signal: null });
});
