import { createHash } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { expectFreeOf } from '../../e2e/support.ts';
import { startPolicyServer, status } from '../../support/policy-server.ts';
import { attemptOf, upstream } from '../fixtures.ts';
import { nonce, usePolicyServer } from './support.ts';

const password = 'open sesame of the tests';
const patience = { timeout: 15_000, interval: 10 };

/** The first three of the hash's digits, behind four bits that are 0: what weakforced's documentation advises. */
function documentedHash(login: string, { mech = 'sha256', secret = password } = {}): string {
  const octets = Buffer.concat([Buffer.from(`${nonce}${login}`), Buffer.of(0), Buffer.from(secret, 'latin1')]);
  return `0${createHash(mech).update(octets).digest('hex').slice(0, 3)}`;
}

describe('a question to a policy server', () => {
  it('has the attributes that Dovecot sends', async () => {
    await using server = await startPolicyServer();
    await using inUse = usePolicyServer(server);
    const answer = await inUse.client.allow(attemptOf({ password, sessionId: '1f0c9a2e-7k' }));
    expect(answer).toEqual({ kind: 'allowed' });
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]).toMatchObject({ method: 'POST', url: '/?command=allow' });
    expect(server.requests[0]?.headers['content-type']).toBe('application/json');
    expect(server.requests[0]?.body).toEqual({
      device_id: '',
      login: 'alice@att.net',
      protocol: 'pop3',
      pwhash: documentedHash('alice@att.net'),
      remote: '192.0.2.7',
      session_id: '1f0c9a2e-7k',
      tls: true,
      attrs: { listener: 'lan', upstream: 'att' },
    });
    expect(inUse.results).toEqual(['accepted']);
  });

  it.each(['md5', 'sha1', 'sha256', 'sha512'] as const)('has the hash that was asked for: %s', async (mech) => {
    await using server = await startPolicyServer();
    await using inUse = usePolicyServer({ ...server, hash: { mech, nonce, truncateBits: 12 } });
    await inUse.client.allow(attemptOf({ password }));
    expect(server.requests[0]?.body.pwhash).toBe(documentedHash('alice@att.net', { mech }));
  });

  it('hashes octets as the client sent them, and shows the name as text', async () => {
    await using server = await startPolicyServer();
    await using inUse = usePolicyServer(server);
    const octets = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
    await inUse.client.allow(attemptOf({ account: octets('jörg@att.net'), password: octets('pässword') }));
    expect(server.requests[0]?.body).toMatchObject({
      login: 'jörg@att.net',
      pwhash: documentedHash('jörg@att.net', { secret: octets('pässword') }),
    });
  });

  it('names the user as an upstream does that knows local parts alone', async () => {
    await using server = await startPolicyServer();
    await using inUse = usePolicyServer(server);
    const corp = { ...upstream, name: 'corp', username: 'localpart' } as const;
    const made = { account: 'alice@corp', shownAccount: 'alice@made.up.test', upstream: corp, password };
    await inUse.client.allow(attemptOf(made));
    expect(server.requests[0]?.body).toMatchObject({ login: 'alice', pwhash: documentedHash('alice') });
  });

  it('says where there is no TLS', async () => {
    await using server = await startPolicyServer();
    await using inUse = usePolicyServer(server);
    await inUse.client.allow(attemptOf({ transport: 'plaintext' }));
    expect(server.requests[0]?.body.tls).toBe(false);
  });

  it.each([
    ['', '/?command=allow'],
    ['policy', '/policy?command=allow'],
    ['policy?instance=1', '/policy?instance=1&command=allow'],
    ['policy?instance=1&', '/policy?instance=1&command=allow'],
  ])('goes to the path and query of the URL: %j', async (path, url) => {
    await using server = await startPolicyServer();
    await using inUse = usePolicyServer({ url: `${server.url}${path}` });
    await inUse.client.allow(attemptOf());
    expect(server.requests[0]?.url).toBe(url);
  });

  it.each([
    ['a header', { apiHeader: 'Authorization: Basic d2ZvcmNlOnN1cGVy' }, 'authorization', 'Basic d2ZvcmNlOnN1cGVy'],
    ['a key', { apiHeader: 'super' }, 'x-api-key', 'super'],
  ])('authenticates with %s', async (_, options, name, value) => {
    await using server = await startPolicyServer();
    await using inUse = usePolicyServer({ ...server, ...options });
    await inUse.client.allow(attemptOf());
    expect(server.requests[0]?.headers[name]).toBe(value);
  });

  it('authenticates with the user and password of the URL', async () => {
    await using server = await startPolicyServer();
    await using inUse = usePolicyServer({ url: server.url.replace('//', '//wforce:s%3Aper@') });
    await inUse.client.allow(attemptOf());
    expect(server.requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from('wforce:s:per').toString('base64')}`);
  });

  it('is not asked where only reports are wanted', async () => {
    await using server = await startPolicyServer();
    server.answer(status(-1));
    await using inUse = usePolicyServer({ ...server, checkBefore: false });
    expect(await inUse.client.allow(attemptOf())).toEqual({ kind: 'allowed' });
    expect(server.requests).toEqual([]);
  });

  it('uses connections that stand', async () => {
    await using server = await startPolicyServer();
    await using inUse = usePolicyServer(server);
    for (let time = 0; time < 50; time += 1) await inUse.client.allow(attemptOf());
    expect(server.requests).toHaveLength(50);
    // The next question may come in the moment before a connection is free again.
    expect(server.connections).toBeLessThanOrEqual(2);
  });

  it('is asked again where the server closed the connection just then', async () => {
    await using server = await startPolicyServer();
    await using inUse = usePolicyServer(server);
    await inUse.client.allow(attemptOf());
    server.answer((_, response) => {
      server.answer(status(-1));
      response.socket?.destroy();
    });
    expect(await inUse.client.allow(attemptOf())).toMatchObject({ kind: 'refused' });
    expect(server.of('allow')).toHaveLength(3);
  });
});

describe('the answer of a policy server', () => {
  it('delays a login', async () => {
    await using server = await startPolicyServer();
    server.answer(status(3, 'tarpitted'));
    await using inUse = usePolicyServer(server);
    expect(await inUse.client.allow(attemptOf())).toEqual({ kind: 'allowed', delayMs: 3_000 });
    expect(inUse.results).toEqual(['delayed']);
  });

  it('refuses a login in its own words, and is told of it as Dovecot does', async () => {
    await using server = await startPolicyServer();
    server.answer(status(-1, 'Too many devices'));
    await using inUse = usePolicyServer(server);
    const attempt = attemptOf({ password });
    expect(await inUse.client.allow(attempt)).toEqual({ kind: 'refused', reply: '[SYS/PERM] Too many devices' });
    await vi.waitFor(() => expect(server.of('report')).toHaveLength(1), patience);
    const [asked, reported] = server.requests;
    expect(reported?.body).toEqual({ ...asked?.body, success: false, policy_reject: true });
    expect(inUse.results).toEqual(['rejected']);
  });

  it('refuses a login without words of its own', async () => {
    await using server = await startPolicyServer();
    server.answer(status(-1));
    await using inUse = usePolicyServer(server);
    const answer = await inUse.client.allow(attemptOf());
    expect(answer).toEqual({ kind: 'refused', reply: expect.stringMatching(/^\[SYS\/PERM\] .*administrator$/) });
  });
});

describe('reports to a policy server', () => {
  it('say how logins ended', async () => {
    await using server = await startPolicyServer();
    await using inUse = usePolicyServer(server);
    inUse.client.report(attemptOf({ password }), 'accepted');
    await vi.waitFor(() => expect(server.requests).toHaveLength(1), patience);
    inUse.client.report(attemptOf({ password }), 'refused');
    await vi.waitFor(() => expect(inUse.client.reports).toEqual({ sent: 2, lost: 0 }), patience);
    expect(server.requests.map(({ url }) => url)).toEqual(['/?command=report', '/?command=report']);
    expect(server.requests.map(({ body }) => [body.success, body.policy_reject])).toEqual([
      [true, false],
      [false, false],
    ]);
    expect(server.requests[0]?.body).toMatchObject({ login: 'alice@att.net', pwhash: documentedHash('alice@att.net') });
  });

  it('are sent before the client is closed', async () => {
    await using server = await startPolicyServer();
    const inUse = usePolicyServer(server);
    for (let time = 0; time < 20; time += 1) inUse.client.report(attemptOf(), 'accepted');
    await inUse[Symbol.asyncDispose]();
    expect(server.of('report')).toHaveLength(20);
  });

  it('are not sent where only answers are wanted', async () => {
    await using server = await startPolicyServer();
    const inUse = usePolicyServer({ ...server, reportAfter: false });
    inUse.client.report(attemptOf(), 'accepted');
    await inUse.client.allow(attemptOf());
    await inUse[Symbol.asyncDispose]();
    expect(server.requests.map(({ command }) => command)).toEqual(['allow']);
  });
});

it('neither the password nor its whole hash is in anything that a policy server is sent', async () => {
  await using server = await startPolicyServer();
  server.answer(status(-1, 'no'));
  const inUse = usePolicyServer(server);
  await inUse.client.allow(attemptOf({ password, username: 'alice@att.net' }));
  inUse.client.report(attemptOf({ password }), 'refused');
  await inUse[Symbol.asyncDispose]();
  const sent = server.requests.map(({ url, text, headers }) => `${url}${text}${JSON.stringify(headers)}`).join('\n');
  expect(server.requests).toHaveLength(3);
  expectFreeOf(sent, [password, nonce]);
  const whole = createHash('sha256').update(`${nonce}alice@att.net\0${password}`, 'latin1').digest('hex');
  expect(sent).toContain(whole.slice(0, 3));
  expect(sent).not.toContain(whole.slice(0, 4));
});
