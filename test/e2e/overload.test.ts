import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { percentile } from '../bench/statistics.ts';
import { startUpstream, type Upstream } from '../bench/upstream.ts';
import { startWorker } from '../bench/worker.ts';
import { createTestCertificates, type TestCertificates } from '../support/certificates.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import type { Flood, FloodResult } from './flood-clients.ts';
import { type ServedPostern, servePostern } from './postern-process.ts';
import { adminToken, eventually, writeConfiguration } from './support.ts';
import { connectGreeted, type WireClient } from './wire-client.ts';

/** `POSTERN_FLOOD=20000`: so many connections, and the times are told. */
const full = Number(process.env.POSTERN_FLOOD ?? 0);
const connections = full || 1_000;
const timeoutMs = full ? 180_000 : 60_000;

/** Several times what it takes on a machine of its own; without any protection it would be as long as the flood. */
const patientMs = full ? 150 : 1_500;

interface Attacked extends AsyncDisposable {
  readonly postern: ServedPostern;
  /** A session that is logged in over TLS. */
  logIn(): Promise<WireClient>;
  flood(flood: Omit<Flood, 'port' | 'connections'>, listener: string): Promise<FloodResult>;
  metric(series: string): Promise<number>;
}

async function startAttacked(
  sections: string,
  { upstream, certificates }: { readonly upstream: Upstream; readonly certificates: TestCertificates },
): Promise<Attacked> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await createTemporaryDirectory('flood'));
  await writeFile(join(path, 'ca.pem'), certificates.ca);
  const configuration = await writeConfiguration(path, {
    certificate: certificates.valid,
    sections: `
upstreams: [{name: corp, host: 127.0.0.1, port: ${upstream.port}, ca: ca.pem, domains: [corp.test]}]
${sections}`,
  });
  const postern = stack.use(await servePostern(configuration));
  const ended = new AbortController();
  stack.defer(() => ended.abort());
  const clients = stack.use(
    await startWorker<Flood, FloodResult>(new URL('flood-clients.ts', import.meta.url), { signal: ended.signal }),
  );
  const owned = stack.move();
  return {
    postern,
    logIn: async () => {
      const client = await connectGreeted({ port: postern.port('implicit'), implicitTlsCa: certificates.ca });
      expect(await client.logIn('user@corp.test', 'secret')).toMatch(/^\+OK/);
      return client;
    },
    flood: (flood, listener) => clients.ask({ ...flood, connections, port: postern.port(listener) }, { timeoutMs }),
    metric: async (series) => {
      const answer = await fetch(`http://127.0.0.1:${postern.adminPort}/metrics`, {
        headers: { Authorization: `Bearer ${adminToken}` },
      });
      const line = (await answer.text()).split('\n').find((shown) => shown.startsWith(`${series} `));
      return Number(line?.slice(series.length + 1) ?? Number.NaN);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** How long a session waits for its replies while something else goes on, ms. */
async function timeReplies(session: WireClient, meanwhile: Promise<unknown>): Promise<readonly number[]> {
  const times: number[] = [];
  let isOver = false;
  const over = meanwhile.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    const startedAtMs = performance.now();
    expect(await session.command('NOOP')).toBe('+OK');
    times.push(performance.now() - startedAtMs);
  }
  await over;
  return times;
}

describe('a flood', { timeout: timeoutMs }, () => {
  const stack = new AsyncDisposableStack();
  let surroundings: { readonly upstream: Upstream; readonly certificates: TestCertificates };

  beforeAll(async () => {
    const certificates = stack.use(await createTestCertificates());
    const ended = new AbortController();
    stack.defer(() => ended.abort());
    surroundings = { certificates, upstream: stack.use(await startUpstream(certificates.valid, ended)) };
  });

  afterAll(() => stack.disposeAsync());

  it.each([
    ['connections that say nothing', 'starttls', { kind: 'silence', ending: 'close', concurrency: 500 }],
    ['connections that reset', 'starttls', { kind: 'silence', ending: 'reset', concurrency: 500 }],
    ['handshakes that nobody finishes', 'implicit', { kind: 'hello', ending: 'close', concurrency: 500 }],
    ['handshakes that reset', 'implicit', { kind: 'hello', ending: 'reset', concurrency: 500 }],
    ['more handshakes than can be made', 'implicit', { kind: 'hello', ending: 'close', concurrency: 3_000 }],
    ['handshakes all at once', 'implicit', { kind: 'volley', ending: 'close', concurrency: 5_000 }],
  ] as const)('of %s leaves a session its latency, and nothing behind', async (title, listener, flood) => {
    await using attacked = await startAttacked('', surroundings);
    using session = await attacked.logIn();

    const flooded = attacked.flood(flood, listener);
    const times = await timeReplies(session, flooded);

    const result = await flooded;
    if (full) await tell(title, { result, times, attacked });
    expect(percentile(times, 0.99)).toBeLessThan(patientMs);
    expect(result.failed).toBe(0);
    await eventually(async () => {
      expect(await attacked.metric(`postern_sessions{listener="${listener}",state="authorization"}`)).toBe(0);
    });
    // Overload lasts for two seconds behind its cause.
    using another = await eventually(() => attacked.logIn());
    expect(await another.command('NOOP')).toBe('+OK');
  });
});

async function tell(
  title: string,
  {
    result,
    times,
    attacked,
  }: { readonly result: FloodResult; readonly times: readonly number[]; readonly attacked: Attacked },
): Promise<void> {
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => percentile(times, share).toFixed(1));
  const memory = (await attacked.metric('process_resident_memory_bytes')) / 1e6;
  console.log(
    `${title}: ${JSON.stringify(result)}; a session waits ${p50}, ${p99}, ${max} ms; ${memory.toFixed(0)} MB`,
  );
}
