import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { servePostern } from '../e2e/postern-process.ts';
import { startScriptedUpstream } from '../e2e/scripted-upstream.ts';
import { account } from '../e2e/stage.ts';
import { adminToken, writeConfiguration } from '../e2e/support.ts';
import { connectGreeted, type WireClient } from '../e2e/wire-client.ts';
import { createTestCertificates } from '../support/certificates.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { deno } from './deno-command.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('on Deno, two workers that may read the program', () => {
  it('share clients, sessions and metrics, and end with the process', async () => {
    await using certificates = await createTestCertificates();
    await using upstream = await startScriptedUpstream({ tls: { ...certificates.valid, start: 'implicit' } });
    await using directory = await createTemporaryDirectory('deno-workers');
    const { path } = directory;
    await writeFile(join(path, 'ca.pem'), certificates.ca);
    const file = await writeConfiguration(path, {
      certificate: certificates.valid,
      sections: `workers: 2
upstreams: [{name: corp, host: 127.0.0.1, port: ${upstream.port}, ca: ca.pem, domains: [corp.test]}]
sessions: {maxPerAddress: 100}
limits: {sessionsPerAccount: 100, loginsPerAddress: 100}`,
    });
    const readable = [path, join(root, 'src'), join(root, 'package.json')].join(',');
    await using postern = await servePostern(file, deno(`--allow-read=${readable}`, '--allow-net=127.0.0.1'));
    const ask = async (place: string): Promise<Response> =>
      fetch(`http://127.0.0.1:${postern.adminPort}${place}`, { headers: { Authorization: `Bearer ${adminToken}` } });
    const workers = async (): Promise<ReadonlySet<string>> => {
      // With their metrics, workers tell all that they have not told yet.
      await (await ask('/metrics')).text();
      const { sessions } = Object(await (await ask('/api/v1/sessions?limit=100')).json());
      return new Set(sessions.map(({ id }: { id: string }) => /-(\w+)\./.exec(id)?.[1] ?? ''));
    };
    using clients = new DisposableClients();
    for (let count = 0; count < 40 && (await workers()).size < 2; count += 1) {
      const client = clients.add(await connectGreeted({ port: postern.port('starttls') }));
      expect(await client.logIn(account.user, account.password)).toMatch(/^\+OK/);
    }

    expect(await workers()).toEqual(new Set(['1', '2']));
    const metrics = await (await ask('/metrics')).text();
    expect(metrics).toContain('postern_workers{state="running"} 2');
    expect(metrics).toContain(`postern_sessions{listener="starttls",state="transaction"} ${clients.size}`);

    postern.process.signal('SIGTERM');
    await postern.waitForLog('draining');
    clients.close();
    await postern.waitForLog('stopped');
  });
});

/** Clients that are gone when the test ends. */
class DisposableClients implements Disposable {
  readonly #clients: WireClient[] = [];

  get size(): number {
    return this.#clients.length;
  }

  add(client: WireClient): WireClient {
    this.#clients.push(client);
    return client;
  }

  close(): void {
    for (const client of this.#clients) client[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
