import { describe, expect, it } from 'vitest';
import type { Answer } from './scripted-upstream.ts';
import { account, startStage } from './stage.ts';
import { eventually } from './support.ts';
import { connectWireClient } from './wire-client.ts';

const listeners = ['starttls', 'implicit'] as const;
const oneSecond = 'sessions: {loginTimeout: 1s}';
const tooLong = '-ERR [SYS/TEMP] The login took too long';

/** Never answers a user name. */
const silentAtUser: Answer = (line) => (line.startsWith('USER') ? '' : undefined);

// Most of them wait out a time-out.
describe.concurrent('a login', () => {
  it.each(listeners)('is cancelled when its client resets the connection meanwhile over %s', async (listener) => {
    await using stage = await startStage({ script: { answer: silentAtUser } });
    using client = await stage.connect(listener);
    client.send(`USER ${account.user}\r\nPASS ${account.password}\r\n`);
    const upstream = await stage.upstream.connection();
    await eventually(() => expect(upstream.lines).toContain(`USER ${account.user}`));

    client.reset();

    expect(await upstream.ended).toMatch(/end|reset/);
    expect(upstream.lines).not.toContain('QUIT');
    await stage.postern.waitForLog('loginFinished', { result: 'cancelled' });
    await stage.postern.waitForLog('sessionClosed');
    await eventually(async () => expect(await openSessions(stage.postern)).toBe(0));
  });

  it.each(listeners)('counts when its client is gone before the password is refused over %s', async (listener) => {
    const answer: Answer = (line) => (line.startsWith('PASS') ? '' : undefined);
    await using stage = await startStage({ script: { answer } });
    using client = await stage.connect(listener);
    client.send(`USER ${account.user}\r\nPASS ${account.password}\r\n`);
    const upstream = await stage.upstream.connection();
    await eventually(() => expect(upstream.lines).toContain(`PASS ${account.password}`));
    client.reset();
    await stage.postern.waitForLog('sessionClosed');
    upstream.send('-ERR [AUTH] No\r\n');
    await stage.postern.waitForLog('loginFinished', { result: 'refused' });
  });

  it('that the upstream does not answer ends with the login time-out', async () => {
    await using stage = await startStage({ script: { answer: silentAtUser }, sections: oneSecond });
    using client = await stage.connect();

    expect(await client.logIn(account.user, account.password)).toBe(tooLong);

    expect(await client.closed()).toBe('');
    const upstream = await stage.upstream.connection();
    expect(await upstream.ended).toMatch(/end|reset/);
    expect(upstream.lines).not.toContain('QUIT');
    await stage.postern.waitForLog('sessionClosed', { reason: 'login_timeout' });
  });

  it.each([
    ['without a command', ''],
    ['behind USER', `USER ${account.user}\r\n`],
    ['in the middle of a line', 'USER us'],
    ['in an AUTH exchange', 'AUTH LOGIN\r\n'],
  ])('that its client does not finish ends with the time-out: %s', async (_title, octets) => {
    await using stage = await startStage({ sections: oneSecond });
    using client = await stage.connect();

    client.send(octets);

    expect(await client.closed()).toMatch(/-ERR \[SYS\/TEMP\] The login took too long\r\n$/);
    await stage.postern.waitForLog('sessionClosed', { reason: 'login_timeout' });
  });

  it.each([
    ['implicit', ''],
    ['starttls', 'STLS\r\n'],
  ] as const)('whose handshake does not come ends with the time-out over %s', async (listener, octets) => {
    await using stage = await startStage({ sections: oneSecond });
    using client = await connectWireClient({ port: stage.postern.port(listener) });

    client.send(octets);

    expect(await client.closed()).not.toContain('-ERR');
    await stage.postern.waitForLog('sessionClosed', { reason: 'login_timeout' });
  });
});

describe('the connection limits', () => {
  it('let no more in than maxTotal, until one leaves', async () => {
    await using stage = await startStage({ sections: 'sessions: {maxTotal: 2}' });
    using first = await stage.logIn();
    using second = await stage.connect('implicit');
    using third = await connectWireClient({ port: stage.postern.port('starttls'), localAddress: '127.0.0.2' });

    expect(await third.closed()).toBe('-ERR [SYS/TEMP] Too many connections. Please try again later\r\n');

    expect(await refusals(stage.postern, 'max_total')).toBe(1);
    expect(await first.command('NOOP')).toBe('+OK');
    expect(await second.command('QUIT')).toBe('+OK Bye');
    await stage.postern.waitForLog('sessionClosed', { reason: 'quit' });
    using fourth = await stage.connect();
    expect(await fourth.command('CAPA')).toMatch(/^\+OK/);
  });

  it('let no more of one address in than maxPerAddress, and others all the same', async () => {
    await using stage = await startStage({ sections: 'sessions: {maxPerAddress: 1}' });
    using _first = await stage.connect();
    using second = await connectWireClient({ port: stage.postern.port('starttls') });

    expect(await second.closed()).toBe(
      '-ERR [SYS/TEMP] Too many connections from your address. Please try again later\r\n',
    );

    expect(await refusals(stage.postern, 'max_per_address')).toBe(1);
    using other = await stage.connect('starttls', { localAddress: '127.0.0.2' });
    expect(await other.command('CAPA')).toMatch(/^\+OK/);
  });
});

describe('the authorization state', () => {
  it('closes behind the third bad command', async () => {
    await using stage = await startStage();
    using client = await stage.connect();

    expect(await client.command('STAT')).toMatch(/^-ERR/);
    expect(await client.command('PASS early')).toMatch(/^-ERR/);
    expect(await client.command('XTND')).toMatch(/^-ERR/);

    expect(await client.closed()).toBe('');
    await stage.postern.waitForLog('sessionClosed', { reason: 'bad_commands' });
    expect(stage.upstream.connections).toEqual([]);
  });

  it('takes a command line of 512 octets, and closes behind a longer one', async () => {
    await using stage = await startStage();
    using client = await stage.connect();

    expect(await client.command(`USER ${'u'.repeat(512 - 'USER \r\n'.length)}`)).toMatch(/^\+OK/);
    expect(await client.command(`USER ${'u'.repeat(513 - 'USER \r\n'.length)}`)).toMatch(/^-ERR/);

    expect(await client.closed()).toBe('');
    await stage.postern.waitForLog('sessionClosed', { reason: 'line_too_long' });
  });

  it('takes an AUTH line of 12,288 octets whole to the upstream, and closes behind a longer one', async () => {
    await using stage = await startStage();
    const frame = 'AUTH PLAIN \r\n'.length;
    // 12,288 less the frame is no multiple of four, which Base64 is.
    const length = Math.floor((12_288 - frame) / 4) * 3 - `\0${account.user}\0`.length;
    const password = 'p'.repeat(length);
    using client = await stage.connect();
    using another = await stage.connect();

    const initialResponse = Buffer.from(`\0${account.user}\0${password}`).toString('base64');
    expect(await client.command(`AUTH PLAIN ${initialResponse}`)).toMatch(/^\+OK/);
    expect(await another.command(`AUTH PLAIN ${'A'.repeat(12_288)}`)).toMatch(/^-ERR/);

    expect((await stage.upstream.connection()).lines).toContain(`PASS ${password}`);
    expect(await another.closed()).toBe('');
  });

  it.each([
    ['a login', `USER ${account.user}\r\nPASS ${account.password}\r\n`],
    ['half a line', 'US'],
  ])('closes, and sends nothing upstream, when %s follows STLS in its segment', async (_title, injected) => {
    await using stage = await startStage();
    using client = await stage.connect();

    client.send(`STLS\r\n${injected}`);

    expect(await client.closed()).toBe('');
    await stage.postern.waitForLog('sessionClosed', { reason: 'plaintext_after_stls' });
    expect(stage.upstream.connections).toEqual([]);
  });

  it('closes, and sends nothing upstream, when plaintext takes the place of the handshake', async () => {
    await using stage = await startStage();
    using client = await stage.connect();

    expect(await client.command('STLS')).toMatch(/^\+OK/);
    client.send(`USER ${account.user}\r\nPASS ${account.password}\r\n`);

    expect(await client.closed()).not.toContain('+OK');
    await stage.postern.waitForLog('clientTlsFailed', { transport: 'stls' });
    await stage.postern.waitForLog('sessionClosed', { reason: 'tls_failed' });
    expect(stage.upstream.connections).toEqual([]);
  });

  it('forgets behind STLS what was said in the clear', async () => {
    await using stage = await startStage();
    using client = await stage.connect();
    expect(await client.command(`USER ${account.user}`)).toMatch(/^\+OK/);

    await client.startTls(stage.certificates.ca);

    expect(await client.command(`PASS ${account.password}`)).toBe('-ERR Send USER first');
    expect(await client.multilineCommand('CAPA')).not.toContain('STLS');
  });

  it('asks for no password in the clear where that is not permitted, and takes it under TLS', async () => {
    await using stage = await startStage({
      listeners: '[{name: starttls, address: "127.0.0.1:0", tls: starttls, plaintextFrom: [192.0.2.0/24]}]',
    });
    using client = await stage.connect();

    const inTheClear = await client.multilineCommand('CAPA');
    expect(inTheClear).toContain('STLS');
    expect(inTheClear.filter((line) => /^(USER|SASL)/.test(line))).toEqual([]);
    expect(await client.command(`USER ${account.user}`)).toBe(
      '-ERR [SYS/PERM] Logging in from here needs encryption: turn on STARTTLS in your mail program',
    );
    expect(await client.command('AUTH LOGIN')).toMatch(/^-ERR \[SYS\/PERM\]/);

    await client.startTls(stage.certificates.ca);
    expect(await client.multilineCommand('CAPA')).toContain('USER');
    expect(await client.logIn(account.user, account.password)).toMatch(/^\+OK/);
    client.end();
    expect(await stage.postern.waitForLog('sessionClosed')).not.toHaveProperty('advice');
  });

  it('tells in the log of a client that asked to log in without TLS, and what to do', async () => {
    await using stage = await startStage({
      listeners: '[{name: starttls, address: "127.0.0.1:0", tls: starttls, plaintextFrom: [192.0.2.0/24]}]',
    });
    using client = await stage.connect();
    await client.command(`USER ${account.user}`);
    client.send('QUIT\r\n');
    const { advice } = await stage.postern.waitForLog('sessionClosed', { reason: 'quit' });
    expect(advice).toMatch(/without encryption.*plaintextFrom/);
  });
});

type Postern = Awaited<ReturnType<typeof startStage>>['postern'];

function refusals(postern: Postern, reason: string): Promise<number | undefined> {
  return postern.metric(`postern_connections_refused_total{listener="starttls",reason="${reason}"}`);
}

async function openSessions(postern: Postern): Promise<unknown> {
  const { total } = (await (await postern.ask('/api/v1/sessions')).json()) as { total: unknown };
  return total;
}
