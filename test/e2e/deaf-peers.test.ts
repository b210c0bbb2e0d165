import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestCertificates, type TestCertificates } from '../support/certificates.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { type ServedPostern, servePostern } from './postern-process.ts';
import { type ScriptedUpstream, startScriptedUpstream, type UpstreamConnection } from './scripted-upstream.ts';
import { eventually, writeConfiguration } from './support.ts';
import { connectGreeted, type WireClient } from './wire-client.ts';

/** `POSTERN_FLOOD`: as many and as much as is promised, and the memory is told. */
const isFull = process.env.POSTERN_FLOOD !== undefined;
const sessions = isFull ? 200 : 40;
const messageOctets = isFull ? 100e6 : 20e6;
/** More than the kernel takes for a connection that nobody reads. */
const pipelinedOctets = 12e6;

/** What sessions may take that hold what nobody reads, each, as the README says it. */
const maxSessionOctets = 0.5e6;
/** What the allocator keeps of buffers that are free again, however many sessions there are. */
const slackOctets = 150e6;

const slice = Buffer.alloc(256 * 1024, `${'mail '.repeat(12)}\r\n`);

/** Sends as fast as it is taken, as a server does that reads its message from a disk. */
async function sendMessage({ socket }: UpstreamConnection): Promise<void> {
  const waiting = { resolve: () => {} };
  const goOn = (): void => waiting.resolve();
  socket.on('drain', goOn);
  socket.on('close', goOn);
  for (let sent = 0; sent < messageOctets && !socket.destroyed; sent += slice.length) {
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.resolve = resolve;
    if (!socket.write(slice)) await promise;
  }
}

describe.skipIf(process.platform !== 'linux')('sessions whose peer does not read', { timeout: 90_000 }, () => {
  const stack = new AsyncDisposableStack();
  let certificates: TestCertificates;
  let upstream: ScriptedUpstream;

  beforeAll(async () => {
    certificates = stack.use(await createTestCertificates());
    const answer = (line: string, connection: UpstreamConnection): undefined => {
      if (line === 'RETR 1') void sendMessage(connection);
      if (line === 'RETR 2') connection.socket.pause();
    };
    upstream = stack.use(await startScriptedUpstream({ tls: { ...certificates.valid, start: 'implicit' }, answer }));
  });

  afterAll(() => stack.disposeAsync());

  async function serve(owner: AsyncDisposableStack): Promise<ServedPostern> {
    const { path } = owner.use(await createTemporaryDirectory('deaf'));
    const corp = `{name: corp, host: 127.0.0.1, port: ${upstream.port}, ca: ${certificates.caFile}, domains: [corp.test]}`;
    const sections = `upstreams: [${corp}]\nsessions: {maxPerAddress: 1000}\nlimits: {loginsPerAddress: 1000}`;
    const configuration = await writeConfiguration(path, { certificate: certificates.valid, sections });
    return owner.use(await servePostern(configuration));
  }

  async function logIn(postern: ServedPostern, number: number): Promise<WireClient> {
    const client = await connectGreeted({ port: postern.port('implicit'), implicitTlsCa: certificates.ca });
    expect(await client.logIn(`u${number}@corp.test`, 'secret')).toMatch(/^\+OK/);
    return client;
  }

  /** As long as the test may take: a hundred megabytes for each of 200 sessions are on their way for a while. */
  async function untilNothingIsRelayed({ adminPort }: ServedPostern): Promise<void> {
    let before: string;
    let now = '';
    do {
      await delay(300);
      before = now;
      const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
      const relayed = text.split('\n').filter((line) => line.startsWith('postern_relayed_octets_total'));
      now = relayed.join();
    } while (now !== before);
  }

  it.each<[string, (client: WireClient) => void]>([
    [
      'a client that does not take its message',
      (client) => {
        client.pause();
        client.send('RETR 1\r\n');
      },
    ],
    [
      'an upstream that does not take what is pipelined',
      (client) => {
        client.send('RETR 2\r\n');
        for (let sent = 0; sent < pipelinedOctets; sent += slice.length) client.send(slice);
      },
    ],
  ])('take a bounded amount of memory each: %s', async (title, begin) => {
    await using owner = new AsyncDisposableStack();
    const postern = await serve(owner);
    const clients: WireClient[] = [];
    for (let number = 0; number < sessions; number += 1) clients.push(owner.use(await logIn(postern, number)));
    const before = await residentSet(postern);

    for (const client of clients) begin(client);
    await untilNothingIsRelayed(postern);

    const taken = (await residentSet(postern)) - before;
    if (isFull) console.log(`${title}: ${sessions} sessions take ${taken / 1e6} MB more than ${before / 1e6} MB`);
    expect(taken).toBeLessThan(slackOctets + sessions * maxSessionOctets);
    // Refused for a while where all this took too long.
    const another = owner.use(await eventually(() => logIn(postern, sessions)));
    expect(await another.command('NOOP')).toBe('+OK');
  });
});

/** Octets. */
async function residentSet({ process: { pid } }: ServedPostern): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) * 1024;
}
