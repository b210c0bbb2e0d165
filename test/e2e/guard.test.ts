import { afterEach, describe, expect, it } from 'vitest';
import { createTestCertificates, type TestCertificates } from '../support/certificates.ts';
import { type Dovecot, startDovecot } from '../support/dovecot.ts';
import { program } from '../support/programs.ts';
import { eventually, type PosternUnderTest, startPosternUnderTest } from './support.ts';
import { connectGreeted, connectWireClient, type WireClient } from './wire-client.ts';

const [alice, bob] = ['alice@corp.test', 'bob@corp.test'];
const password = 'open sesame';
const wrong = '-ERR [AUTH] Authentication failed.';

let stack: AsyncDisposableStack;

afterEach(() => stack.disposeAsync());

/** Postern in front of a real server that knows two accounts. */
async function startGuarded({ upstream = '', limits = '' } = {}): Promise<PosternUnderTest> {
  stack = new AsyncDisposableStack();
  const certificates: TestCertificates = stack.use(await createTestCertificates());
  const dovecot: Dovecot = stack.use(
    await startDovecot({ users: { [alice]: password, [bob]: password }, tls: certificates.valid }),
  );
  const corp = `name: corp, host: 127.0.0.1, port: ${dovecot.pop3sPort}, ca: ${certificates.caFile}, domains: [corp.test]`;
  return stack.use(
    await startPosternUnderTest({
      sections: `upstreams: [{${corp}${upstream}}]\nlimits: {${limits}}`,
      certificate: certificates.valid,
    }),
  );
}

interface Try {
  readonly user?: string;
  readonly from?: string;
}

/** One login over a connection of its own, which ends behind it; resolves to the reply. */
async function logIn(postern: PosternUnderTest, secret: string, { user = alice, from = '127.0.0.1' }: Try = {}) {
  using client = await connectGreeted({ port: postern.port('starttls'), localAddress: from });
  const reply = await client.logIn(user, secret);
  // Otherwise Dovecot holds the maildrop until it has noticed.
  if (reply.startsWith('+OK')) await client.command('QUIT');
  return reply;
}

async function open(postern: PosternUnderTest): Promise<WireClient> {
  const client = stack.use(await connectGreeted({ port: postern.port('starttls') }));
  expect(await client.logIn(alice, password)).toMatch(/^\+OK/);
  return client;
}

/** Logins that reached the server. */
function reached(postern: PosternUnderTest): number {
  return postern.logged('upstreamConnected').length;
}

describe.skipIf(!program('dovecot'))('the guard in front of Dovecot', () => {
  it('lets somebody in who mistypes the password three times', async () => {
    const postern = await startGuarded();
    for (const typo of ['open seasame', 'Open sesame', 'opensesame']) expect(await logIn(postern, typo)).toBe(wrong);
    expect(await logIn(postern, password)).toMatch(/^\+OK/);
    expect(postern.logged('loginBlocked')).toEqual([]);
    expect(postern.logged('loginFinished', { result: 'limited' })).toEqual([]);
  });

  it('asks the server once about a stale password that a device sends fifty times, and bans nobody for it', async () => {
    const postern = await startGuarded();
    expect(await logIn(postern, 'last year’s')).toBe(wrong);
    for (let round = 1; round < 50; round += 1) {
      expect(await logIn(postern, 'last year’s')).toMatch(/^-ERR \[AUTH\] .+refused this password before/);
    }
    expect(reached(postern)).toBe(1);
    expect(postern.logged('loginFinished', { result: 'limited', guard: 'remembered' })).toHaveLength(49);
    expect(postern.logged('loginBlocked')).toEqual([]);
    expect(await logIn(postern, password)).toMatch(/^\+OK/);
  });

  it('refuses a blocked address before anything is read, and nobody else', async () => {
    const postern = await startGuarded({ limits: 'perAddress: {failures: 2, block: 10m}' });
    const from = '127.0.0.5';
    expect(await logIn(postern, 'one', { from })).toBe(wrong);
    expect(await logIn(postern, 'two', { from, user: bob })).toBe(wrong);

    const plaintext = stack.use(await connectWireClient({ port: postern.port('starttls'), localAddress: from }));
    expect(await plaintext.readLine()).toMatch(
      /^-ERR \[SYS\/TEMP\] Too many failed logins from your network\. Please try again in (10 minutes|\d+ seconds)$/,
    );
    const tls = stack.use(await connectWireClient({ port: postern.port('implicit'), localAddress: from }));
    await tls.closed();

    expect(await logIn(postern, password)).toMatch(/^\+OK/);
    expect(postern.logged('connectionRefused', { address: from, reason: 'blocked' })).toHaveLength(2);
    const series = (listener: string) => `postern_connections_refused_total{listener="${listener}",reason="blocked"}`;
    expect(await postern.metric(series('starttls'))).toBe(1);
    expect(await postern.metric(series('implicit'))).toBe(1);
  });

  it('keeps the pace that an upstream permits', async () => {
    const postern = await startGuarded({ upstream: ', minPollInterval: 10m' });
    expect(await logIn(postern, password)).toMatch(/^\+OK/);
    expect(await logIn(postern, password, { from: '127.0.0.2' })).toMatch(
      /^-ERR \[LOGIN-DELAY\] .+ in (10 minutes|\d+ seconds)$/,
    );
    expect(await logIn(postern, password, { user: bob })).toMatch(/^\+OK/);
    expect(reached(postern)).toBe(2);
  });

  it.each([
    ['where one session is to be live at a time', { upstream: ', singleSession: true' }],
    ['with as many as may be', { limits: 'sessionsPerAccount: 1' }],
  ])('answers that the maildrop is in use %s, until it is not', async (_name, options) => {
    const postern = await startGuarded(options);
    const first = await open(postern);
    expect(await logIn(postern, password)).toMatch(/^-ERR \[IN-USE\] /);
    expect(reached(postern)).toBe(1);
    await first.command('QUIT');
    await eventually(async () => expect(await logIn(postern, password)).toMatch(/^\+OK/));
  });

  it('lets the owner in while twenty neighbours attack the account, and none of them, not even with the right password', async () => {
    const postern = await startGuarded({ limits: 'perNetwork: {failures: 20}' });
    expect(await logIn(postern, password)).toMatch(/^\+OK/);
    const attackers = Array.from({ length: 20 }, (_, index) => `127.0.0.${index + 100}`);
    const attack = async (from: string): Promise<void> => {
      for (const guess of ['a', 'b', 'c']) await logIn(postern, `${guess} of ${from}`, { from }).catch(() => '');
    };
    const attacks = Promise.all(attackers.map(attack));
    expect(await logIn(postern, password)).toMatch(/^\+OK/);
    await attacks;

    expect(await logIn(postern, password)).toMatch(/^\+OK/);
    expect(await logIn(postern, password, { from: '127.0.0.100' })).toMatch(
      /^-ERR \[SYS\/TEMP\] Too many failed logins/,
    );
    // Ten guesses, and the owner's three.
    expect(reached(postern)).toBeLessThanOrEqual(13);
  });

  it('holds replies to failed logins back, longer each time', async () => {
    const postern = await startGuarded({ limits: 'replyDelay: {first: 300ms, max: 600ms}' });
    // Dovecot itself takes half a second for each.
    for (const [guess, atLeastMs] of [
      ['one', 300],
      ['two', 600],
      ['three', 600],
    ] as const) {
      const startedAtMs = performance.now();
      expect(await logIn(postern, guess)).toBe(wrong);
      const tookMs = performance.now() - startedAtMs;
      const { durationMs } = postern.logged('loginFinished').at(-1) ?? {};
      expect(tookMs - Number(durationMs)).toBeGreaterThan(atLeastMs - 5);
    }
  });
});
