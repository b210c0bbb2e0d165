import { createServer } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { createTestCertificates } from '../../support/certificates.ts';
import { json, type PolicyReply, startPolicyServer, status } from '../../support/policy-server.ts';
import { findFreePorts } from '../../support/process.ts';
import { attemptOf } from '../fixtures.ts';
import { usePolicyServer } from './support.ts';

const certificates = await createTestCertificates();
afterAll(() => certificates[Symbol.asyncDispose]());

const unusable: readonly (readonly [string, PolicyReply])[] = [
  ['garbage', (_, response) => void response.end('<html>welcome</html>')],
  ['nothing', (_, response) => void response.end()],
  ['a status that is no number', (_, response) => json(response, { status: 'ok' })],
  ['an error', (_, response) => void response.writeHead(500).end('{"status":0}')],
  ['a demand for credentials', (_, response) => void response.writeHead(401).end('{"status":0}')],
  ['a redirect', (_, response) => void response.writeHead(307, { location: '/elsewhere?command=allow' }).end()],
  ['more than an answer has', (_, response) => json(response, { status: 0, msg: 'x'.repeat(100_000) })],
  ['an answer that breaks off', (_, response) => void response.writeHead(200, { 'content-length': 500 }).write('{"st')],
];

describe('a policy server that answers with', () => {
  it.each(unusable)('%s counts as no answer', async (_, reply) => {
    await using server = await startPolicyServer();
    server.answer(reply);
    // An answer that breaks off is waited for.
    const timeoutMs = reply === unusable.at(-1)?.[1] ? 100 : 15_000;
    await using open = usePolicyServer({ ...server, timeoutMs });
    await using closed = usePolicyServer({ ...server, timeoutMs, onFailure: 'reject' });
    expect(await open.client.allow(attemptOf())).toEqual({ kind: 'allowed' });
    expect(await closed.client.allow(attemptOf())).toEqual({
      kind: 'refused',
      reply: expect.stringMatching(/^\[SYS\/TEMP\] /),
    });
    expect([...open.results, ...closed.results]).toEqual(['failed', 'failed']);
    // No redirect was followed.
    expect(server.requests.map(({ url }) => url)).toEqual(['/?command=allow', '/?command=allow']);
  });
});

describe('a policy server that gives no answer', () => {
  it('is not waited for longer than the time-out', async () => {
    await using server = await startPolicyServer();
    server.answer(() => {});
    await using inUse = usePolicyServer({ ...server, timeoutMs: 50 });
    expect(await inUse.client.allow(attemptOf())).toEqual({ kind: 'allowed' });
    expect(inUse.results).toEqual(['failed']);
  });

  it('accepts connections and says nothing: the time-out holds', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : 0;
    {
      await using inUse = usePolicyServer({ url: `https://127.0.0.1:${port}/`, timeoutMs: 50 });
      expect(await inUse.client.allow(attemptOf())).toEqual({ kind: 'allowed' });
    }
    silent.close();
  });

  it('is left alone after three failures in a row, tried by one, and asked again when that went well', async () => {
    await using server = await startPolicyServer();
    server.answer((_, response) => void response.writeHead(503).end());
    let nowMs = 0;
    await using inUse = usePolicyServer({ ...server, nowMs: () => nowMs });
    const ask = (): Promise<unknown> => inUse.client.allow(attemptOf());
    for (let time = 0; time < 3; time += 1) await ask();
    expect(inUse.told).toEqual(['down: it answers with HTTP status 503']);
    await ask();
    expect(server.requests).toHaveLength(3);
    nowMs += 2_000;
    await Promise.all([ask(), ask(), ask()]);
    expect(server.requests).toHaveLength(4);
    server.answer(status(-1));
    nowMs += 2_000;
    expect(await ask()).toMatchObject({ kind: 'refused' });
    expect(inUse.told).toEqual(['down: it answers with HTTP status 503', 'up: it answers']);
    expect(await ask()).toMatchObject({ kind: 'refused' });
    expect(inUse.results.slice(3)).toEqual(['skipped', 'skipped', 'skipped', 'failed', 'rejected', 'rejected']);
  });

  it('is not said to be gone for single failures', async () => {
    await using server = await startPolicyServer();
    await using inUse = usePolicyServer(server);
    for (let time = 0; time < 6; time += 1) {
      server.answer(time % 3 === 2 ? status(0) : (_, response) => void response.writeHead(503).end());
      await inUse.client.allow(attemptOf());
    }
    expect(inUse.told).toEqual([]);
    expect(server.requests).toHaveLength(6);
  });

  it('says why, without repeating what it was sent', async () => {
    const [port = 0] = await findFreePorts(1);
    await using inUse = usePolicyServer({ url: `http://wforce:super@127.0.0.1:${port}/` });
    for (let time = 0; time < 3; time += 1) await inUse.client.allow(attemptOf());
    expect(inUse.told).toEqual(['down: nothing listens there']);
  });
});

describe('a policy server with TLS', () => {
  it('is asked where its certificate can be verified', async () => {
    await using server = await startPolicyServer({ tls: certificates.valid });
    server.answer(status(-1));
    await using inUse = usePolicyServer({ ...server, ca: certificates.ca });
    expect(await inUse.client.allow(attemptOf())).toMatchObject({ kind: 'refused' });
  });

  it.each([
    ['expired', certificates.expired],
    ['for another name', certificates.wrongName],
    ['of another authority', certificates.otherAuthority],
    ['self-signed', certificates.selfSigned],
  ])('gets nothing where its certificate is %s', async (_, tls) => {
    await using server = await startPolicyServer({ tls });
    await using inUse = usePolicyServer({ ...server, ca: certificates.ca, onFailure: 'reject' });
    expect(await inUse.client.allow(attemptOf())).toMatchObject({ kind: 'refused' });
    expect(server.requests).toEqual([]);
  });

  it('gets nothing where its authority is none of the system’s', async () => {
    await using server = await startPolicyServer({ tls: certificates.valid });
    await using inUse = usePolicyServer(server);
    await inUse.client.allow(attemptOf());
    expect(inUse.results).toEqual(['failed']);
    expect(server.requests).toEqual([]);
  });
});
