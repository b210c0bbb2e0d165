import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { percentile } from '../bench/statistics.ts';
import { startUpstream } from '../bench/upstream.ts';
import { createTestCertificates } from '../support/certificates.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { type ServedPostern, servePostern } from './postern-process.ts';
import { adminToken, writeConfiguration } from './support.ts';

/** Enough for whatever takes longer with each of them to show; five times as many would take five times as long to open. */
const sessions = 1_000;
const concurrency = 50;
const rounds = 5;

/** Several times what is promised of a machine of its own: this one runs other tests meanwhile. */
const patientMs = 500;

/** A session that is logged in. */
async function openSession(port: number, user: string): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => {});
  await readLine(socket);
  const credentials = Buffer.from(`\0${user}\0secret`).toString('base64');
  const reply = await ask(socket, `AUTH PLAIN ${credentials}`);
  if (!reply.startsWith('+OK')) throw new Error(`Cannot log in: ${reply}`);
  return socket;
}

async function readLine(socket: Socket): Promise<string> {
  const [chunk] = await once(socket, 'data');
  return String(chunk);
}

function ask(socket: Socket, command: string): Promise<string> {
  const reply = readLine(socket);
  socket.write(`${command}\r\n`);
  return reply;
}

describe('with many live sessions', () => {
  const stack = new AsyncDisposableStack();
  const open: Socket[] = [];
  let postern: ServedPostern;

  beforeAll(async () => {
    const certificates = stack.use(await createTestCertificates());
    const ended = new AbortController();
    stack.defer(() => ended.abort());
    const upstream = stack.use(await startUpstream(certificates.valid, { signal: ended.signal }));
    const { path } = stack.use(await createTemporaryDirectory('many'));
    await writeFile(join(path, 'ca.pem'), certificates.ca);
    const configuration = await writeConfiguration(path, {
      certificate: certificates.valid,
      sections: `
upstreams: [{name: corp, host: 127.0.0.1, port: ${upstream.port}, ca: ca.pem, domains: [corp.test]}]
sessions: {maxTotal: 10000, maxPerAddress: 10000}
limits: {loginsPerAddress: 1000}`,
    });
    postern = stack.use(await servePostern(configuration));
    stack.defer(() => {
      for (const socket of open) socket.destroy();
    });
    await openAll();
  }, 60_000);

  afterAll(() => stack.disposeAsync());

  async function openAll(): Promise<void> {
    let started = 0;
    const work = async (): Promise<void> => {
      while (started < sessions) {
        started += 1;
        open.push(await openSession(postern.port('starttls'), `u${started}@corp.test`));
      }
    };
    await Promise.all(Array.from({ length: concurrency }, work));
  }

  async function timeOf(path: string): Promise<{ readonly ms: number; readonly text: string }> {
    const startedMs = performance.now();
    const answer = await fetch(`${adminUrl()}${path}`, {
      headers: path.startsWith('/api/') ? { Authorization: `Bearer ${adminToken}` } : { Cookie: cookie },
    });
    const text = await answer.text();
    expect(answer.status).toBe(200);
    return { ms: performance.now() - startedMs, text };
  }

  let cookie = '';

  const adminUrl = (): string => `http://127.0.0.1:${postern.adminPort}`;

  async function signIn(): Promise<void> {
    const answer = await fetch(`${adminUrl()}/ui/sign-in`, {
      method: 'POST',
      redirect: 'manual',
      headers: { Origin: adminUrl() },
      body: new URLSearchParams({ token: adminToken }),
    });
    cookie = answer.headers.get('Set-Cookie')?.split(';')[0] ?? '';
  }

  it.each([
    ['/ui/sessions', `${sessions.toLocaleString('en-GB')} sessions`],
    ['/ui/sessions?search=u77', 'u77@corp.test'],
    ['/api/v1/sessions?limit=1000', `"total":${sessions}`],
    ['/metrics', `postern_sessions{listener="starttls",state="transaction"} ${sessions}`],
  ])('answers %s fast, and with all of them', async (path, expected) => {
    await signIn();
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const { ms, text } = await timeOf(path);
      expect(text).toContain(expected);
      times.push(ms);
    }
    expect(percentile(times, 0.5)).toBeLessThan(patientMs);
  });

  it('goes on relaying', async () => {
    const replies = await Promise.all(open.slice(0, 100).map((socket) => ask(socket, 'NOOP')));
    expect(new Set(replies)).toEqual(new Set(['+OK\r\n']));
  });
});
