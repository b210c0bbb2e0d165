import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connectOldClient } from '../../../src/commands/demo/old-client.ts';
import {
  type SandboxUpstream,
  type SandboxUpstreamOptions,
  startSandboxUpstream,
} from '../../../src/commands/demo/sandbox-upstream.ts';
import { type Authority, createAuthority, type IssuedCertificate } from '../../../src/net/certificate-authority.ts';

const password = ' open  s\xe9same ';
const first = 'Subject: One\r\n\r\n.dot\r\nlast\r\n';
const second = 'Subject: Two\r\n\r\n\xff\r\n';
const plain = (...parts: string[]): string => Buffer.from(parts.join('\0'), 'latin1').toString('base64');

let authority: Authority;
let tls: IssuedCertificate;
let sandbox: SandboxUpstream;

beforeAll(async () => {
  authority = await createAuthority({ name: 'Sandbox authority' });
  tls = await authority.issue({ names: ['127.0.0.1'] });
});

afterEach(() => sandbox[Symbol.asyncDispose]());

async function start(overrides: Partial<SandboxUpstreamOptions> = {}): Promise<void> {
  const messages = [first, second].map((message) => Buffer.from(message, 'latin1'));
  const users = { 'al\xefce': { password, messages }, bob: { password: 'b', messages: [] } };
  sandbox = await startSandboxUpstream({ users, tls, mode: 'implicit', ...overrides });
}

/** Everything the sandbox says until it closes, after everything was sent in one piece. */
async function exchange(lines: readonly string[], { isTls = true } = {}): Promise<string> {
  const { host, port } = sandbox;
  const socket: Socket = isTls ? connectTls({ host, port, ca: authority.certificate }) : connectPlain({ host, port });
  socket.write(lines.map((line) => `${line}\r\n`).join(''), 'latin1');
  let said = '';
  socket.on('data', (chunk: Buffer) => {
    said += chunk.toString('latin1');
  });
  await once(socket, 'close');
  return said;
}

/** The answers between the login and the end of a session that was pipelined whole. */
async function session(commands: readonly string[]): Promise<string> {
  const said = await exchange(['USER al\xefce', `PASS ${password}`, ...commands, 'QUIT']);
  const match = /^\+OK Sandbox mail ready\r\n\+OK\r\n\+OK Welcome, \d messages\r\n(.*)\+OK Bye\r\n$/s.exec(said);
  return match?.[1] ?? `no login or no end: ${said}`;
}

describe('startSandboxUpstream, maildrop', () => {
  it.each([
    [['STAT'], '+OK 2 47\r\n'],
    [['LIST'], '+OK 2 messages\r\n1 28\r\n2 19\r\n.\r\n'],
    [['LIST 2'], '+OK 2 19\r\n'],
    [['UIDL'], '+OK 2 messages\r\n1 sandbox-00001\r\n2 sandbox-00002\r\n.\r\n'],
    [['uidl 1'], '+OK 1 sandbox-00001\r\n'],
    [['RETR 1'], '+OK 28 octets\r\nSubject: One\r\n\r\n..dot\r\nlast\r\n.\r\n'],
    [['RETR 2'], '+OK 19 octets\r\nSubject: Two\r\n\r\n\xff\r\n.\r\n'],
    [['TOP 1 1'], '+OK\r\nSubject: One\r\n\r\n..dot\r\n.\r\n'],
    [['TOP 1'], '-ERR Usage: TOP message lines\r\n'],
    [['NOOP', 'XTND'], '+OK\r\n-ERR Unknown command, or not possible now\r\n'],
    [['RETR 3', 'RETR 0', 'LIST x'], '-ERR No such message\r\n'.repeat(3)],
    [
      ['DELE 1', 'RETR 1', 'LIST'],
      '+OK Message 1 will be deleted\r\n-ERR No such message\r\n+OK 1 messages\r\n2 19\r\n.\r\n',
    ],
    [['DELE 1', 'RSET', 'STAT'], '+OK Message 1 will be deleted\r\n+OK 2 messages\r\n+OK 2 47\r\n'],
  ])('answers %j', async (commands, answers) => {
    await start();
    expect(await session(commands)).toBe(answers);
  });

  it('deletes for good on QUIT', async () => {
    await start();
    await session(['DELE 1']);
    expect(await session(['UIDL'])).toBe('+OK 1 messages\r\n1 sandbox-00002\r\n.\r\n');
  });

  it('deletes nothing when the session is cut', async () => {
    await start();
    const { host, port } = sandbox;
    const socket = connectTls({ host, port, ca: authority.certificate });
    socket.write(`USER al\xefce\r\nPASS ${password}\r\nDELE 1\r\n`, 'latin1');
    let said = '';
    for await (const chunk of socket) {
      said += String(chunk);
      if (said.includes('will be deleted')) break; // which destroys the socket
    }
    expect(await session(['STAT'])).toBe('+OK 2 47\r\n');
  });

  it('sends a large message many times over to a client that pipelines', async () => {
    const message = Buffer.from(`Subject: Large\r\n\r\n${`${'x'.repeat(70)}\r\n.\r\n`.repeat(4000)}`);
    await start({ users: { 'al\xefce': { password, messages: [message] } } });
    const answers = await session(Array.from({ length: 8 }, () => 'RETR 1'));
    expect(answers).toHaveLength(8 * (`+OK ${message.length} octets\r\n`.length + message.length + 4000 + 3));
  });
});

describe('startSandboxUpstream, login', () => {
  it.each([
    ['USER and PASS', ['USER bob', 'PASS b'], '+OK\r\n+OK Welcome, 0 messages\r\n'],
    ['AUTH PLAIN at once', [`AUTH PLAIN ${plain('', 'bob', 'b')}`], '+OK Welcome, 0 messages\r\n'],
    ['AUTH PLAIN in two steps', ['auth plain', plain('', 'bob', 'b')], '+ \r\n+OK Welcome, 0 messages\r\n'],
    ['octets beyond ASCII', [`AUTH PLAIN ${plain('', 'al\xefce', password)}`], '+OK Welcome, 2 messages\r\n'],
    ['an identity equal to the user', [`AUTH PLAIN ${plain('bob', 'bob', 'b')}`], '+OK Welcome, 0 messages\r\n'],
  ])('lets in with %s', async (_name, lines, answers) => {
    await start();
    expect(await exchange([...lines, 'QUIT'])).toBe(`+OK Sandbox mail ready\r\n${answers}+OK Bye\r\n`);
  });

  const refused = '-ERR [AUTH] Wrong user name or password\r\n';
  it.each([
    ['a wrong password', ['USER bob', 'PASS B'], `+OK\r\n${refused}`],
    ['a user named like a property of objects', ['USER constructor', 'PASS b'], `+OK\r\n${refused}`],
    ['PASS without USER', ['PASS b'], '-ERR USER first\r\n'],
    ['PASS again after a refusal', ['USER bob', 'PASS x', 'PASS b'], `+OK\r\n${refused}-ERR USER first\r\n`],
    ['the identity of another', [`AUTH PLAIN ${plain('alice', 'bob', 'b')}`], refused],
    ['a malformed response', ['AUTH PLAIN', 'bm8='], `+ \r\n${refused}`],
    ['a cancelled response', ['AUTH PLAIN', '*'], '+ \r\n-ERR Authentication cancelled\r\n'],
    ['another mechanism', ['AUTH LOGIN'], '-ERR Unknown authentication mechanism\r\n'],
    ['commands of the transaction state', ['STAT'], '-ERR Unknown command, or not possible now\r\n'],
  ])('refuses %s', async (_name, lines, answers) => {
    await start();
    expect(await exchange([...lines, 'QUIT'])).toBe(`+OK Sandbox mail ready\r\n${answers}+OK Bye\r\n`);
  });

  it('takes no AUTH PLAIN where its capabilities do not offer it', async () => {
    await start({ capabilities: ['USER', 'SASL LOGIN'] });
    expect(await exchange(['CAPA', `AUTH PLAIN ${plain('', 'bob', 'b')}`, 'QUIT'])).toBe(
      '+OK Sandbox mail ready\r\n+OK Capabilities follow\r\nUSER\r\nSASL LOGIN\r\n.\r\n' +
        '-ERR Unknown authentication mechanism\r\n+OK Bye\r\n',
    );
  });
});

describe('startSandboxUpstream, STLS', () => {
  const connect = () => connectOldClient({ ...sandbox, signal: new AbortController().signal });

  it('upgrades, takes the login only then, and offers STLS only before', async () => {
    await start({ mode: 'starttls' });
    const client = await connect();
    expect(await client.multilineCommand('CAPA')).toContain('STLS');
    await expect(client.command('USER bob')).rejects.toThrow('"-ERR [SYS/PERM] STLS first');
    await expect(client.command(`AUTH PLAIN ${plain('', 'bob', 'b')}`)).rejects.toThrow('"-ERR [SYS/PERM] STLS first');
    await client.startTls({ ca: authority.certificate });
    expect(await client.multilineCommand('CAPA')).not.toContain('STLS');
    await expect(client.command('STLS')).rejects.toThrow('-ERR Unknown command');
    await client.command('USER bob');
    expect(await client.command('PASS b')).toBe('+OK Welcome, 0 messages');
    await client.quit();
  });

  it('closes when octets follow STLS before the handshake', async () => {
    await start({ mode: 'starttls' });
    const said = await exchange(['STLS', 'USER bob'], { isTls: false });
    expect('+OK Sandbox mail ready\r\n+OK Begin TLS negotiation\r\n'.startsWith(said)).toBe(true);
  });

  it.each([
    ['capabilities do not offer it', { mode: 'starttls', capabilities: ['USER'] }, false],
    ['there is TLS from the first octet', { mode: 'implicit' }, true],
  ] as const)('refuses where %s', async (_name, overrides, isTls) => {
    await start(overrides);
    expect(await exchange(['STLS', 'QUIT'], { isTls })).toBe(
      '+OK Sandbox mail ready\r\n-ERR Unknown command, or not possible now\r\n+OK Bye\r\n',
    );
  });
});

describe('startSandboxUpstream, its owner', () => {
  it('hears every line in order, with the number of its connection', async () => {
    const heard: string[] = [];
    await start({ onWire: (direction, line, connection) => heard.push(`${connection} ${direction} ${line}`) });
    await exchange(['QUIT']);
    await session(['RETR 1']);
    expect(heard).toEqual([
      ...['1 out +OK Sandbox mail ready', '1 in QUIT', '1 out +OK Bye', '2 out +OK Sandbox mail ready'],
      ...['2 in USER al\xefce', '2 out +OK', `2 in PASS ${password}`, '2 out +OK Welcome, 2 messages', '2 in RETR 1'],
      ...['2 out +OK 28 octets', '2 out Subject: One', '2 out ', '2 out ..dot', '2 out last', '2 out .'],
      ...['2 in QUIT', '2 out +OK Bye'],
    ]);
  });

  it('is told of a port in use', async () => {
    await start();
    const second = startSandboxUpstream({ users: {}, tls, mode: 'implicit', port: sandbox.port });
    await expect(second).rejects.toThrow('EADDRINUSE');
  });

  it('cuts connections when it ends it, those in their handshake as well', async () => {
    await start();
    const { host, port } = sandbox;
    const [waiting, greeted] = [connectPlain({ host, port }), connectTls({ host, port, ca: authority.certificate })];
    const closed = [waiting, greeted].map((socket) =>
      once(
        socket.on('error', () => {}),
        'close',
      ),
    );
    await Promise.all([once(waiting, 'connect'), once(greeted, 'data')]);
    await sandbox[Symbol.asyncDispose]();
    await Promise.all(closed);
    await start(); // for afterEach
    expect([waiting.destroyed, greeted.destroyed]).toEqual([true, true]);
  });
});
