import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestCertificates, type TestCertificates } from '../support/certificates.ts';
import { type Dovecot, startDovecot } from '../support/dovecot.ts';
import { program } from '../support/programs.ts';
import { type Answer, type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';
import { eventually, expectFreeOf, inTime, type PosternUnderTest, startPosternUnderTest } from './support.ts';
import { connectGreeted, type WireClient } from './wire-client.ts';

const user = 'user@corp.test';
const password = 'pl4nted s3cret';
const messages = ['Subject: one\r\n\r\nplain\r\n', 'Subject: two\r\n\r\n.dots\r\n..\r\nand \xe9\xff octets\r\n'];
const total = (outcome: string): string => `postern_read_ahead_total{upstream="corp",outcome="${outcome}"}`;
const ahead = ['STAT', 'UIDL', 'LIST', 'CAPA'];

let certificates: TestCertificates;
beforeAll(async () => {
  certificates = await createTestCertificates();
});
afterAll(() => certificates?.[Symbol.asyncDispose]());

interface Place {
  readonly port: number;
  readonly tls?: 'implicit' | 'starttls';
  readonly readAhead?: boolean;
}

const startPostern = ({ port, tls = 'implicit', readAhead = true }: Place): Promise<PosternUnderTest> =>
  startPosternUnderTest({
    sections: `upstreams: [{name: corp, host: 127.0.0.1, port: ${port}, tls: ${tls}, ca: ${certificates.caFile}, domains: [corp.test], readAhead: ${readAhead}}]`,
    certificate: certificates.valid,
  });

async function logIn(postern: PosternUnderTest): Promise<WireClient> {
  const client = await connectGreeted({ port: postern.port('starttls') });
  expect(await client.logIn(user, password)).toMatch(/^\+OK/);
  return client;
}

/** All that a session sends, in chunks; each but the last waits until the server has said that much. */
type Talk = readonly (readonly [octets: string, until?: string])[];

/** What a client gets, the end of the connection included. */
async function talk(postern: PosternUnderTest, lines: Talk): Promise<string> {
  using client = await logIn(postern);
  let heard = '';
  let wake = (): void => {};
  client.stream((chunk) => {
    heard += chunk.toString('latin1');
    wake();
  });
  for (const [octets, until] of lines) {
    const from = heard.length;
    client.send(octets);
    while (until !== undefined && heard.indexOf(until, from) === -1) {
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      await inTime(`an answer to ${JSON.stringify(octets)}`, promise);
    }
  }
  await client.closed();
  return heard;
}

const end = '\r\n.\r\n';
const talks: readonly { readonly of: string; readonly lines: Talk }[] = [
  {
    of: 'a client that asks one thing behind the other',
    lines: [
      ['CAPA\r\n', end],
      ['STAT\r\n', '\r\n'],
      ['UIDL\r\n', end],
      ['LIST\r\n', end],
      ['RETR 1\r\n', end],
      ['RETR 2\r\n', end],
      ['QUIT\r\n'],
    ],
  },
  {
    of: 'a client that asks for single messages, and again',
    lines: [
      ['LIST\r\n', end],
      ['LIST 2\r\n', '\r\n'],
      ['UIDL 1\r\n', '\r\n'],
      ['UIDL\r\n', end],
      ['STAT\r\n', '\r\n'],
      ['STAT\r\n', '\r\n'],
      ['QUIT\r\n'],
    ],
  },
  {
    of: 'a client that takes its deletion back',
    lines: [['STAT\r\nDELE 1\r\nSTAT\r\nLIST\r\nRSET\r\n', end], ['UIDL\r\nST', end], ['AT\r\nQUIT\r\n']],
  },
  { of: 'a client that sends all at once', lines: [['stat\r\nUidl\r\nLIST\r\nTOP 2 1\r\nRETR 2\r\nXYZ\r\nQUIT\r\n']] },
];

describe.skipIf(!program('dovecot'))('read-ahead at a Dovecot', () => {
  const start = (): Promise<Dovecot> =>
    startDovecot({
      users: { [user]: password },
      mail: { [user]: messages.map((message) => Buffer.from(message, 'latin1')) },
      tls: certificates.valid,
    });

  it.each(['implicit', 'starttls'] as const)('over %s changes no octet of what clients get', async (tls) => {
    await using dovecot = await start();
    const port = tls === 'implicit' ? dovecot.pop3sPort : dovecot.pop3Port;
    await using plain = await startPostern({ port, tls, readAhead: false });
    await using postern = await startPostern({ port, tls });
    for (const { lines } of talks) expect(await talk(postern, lines)).toBe(await talk(plain, lines));
    expect(await postern.metric(total('used'))).toBeGreaterThanOrEqual(8);
    expect(await postern.metric(total('broken'))).toBe(0);
    expect(await plain.metric(total('used'))).toBeUndefined();
    expect(dovecot.log()).not.toContain('Too many invalid commands');
    expectFreeOf(postern.logText(), [password]);
    expect((await dovecot.maildir(user)).map((octets) => octets.toString('latin1'))).toEqual(messages);
  });

  it('counts what the client sends and gets, not what was asked ahead', async () => {
    await using dovecot = await start();
    const sessions: unknown[] = [];
    for (const readAhead of [false, true]) {
      await using postern = await startPostern({ port: dovecot.pop3sPort, readAhead });
      await talk(postern, talks[0]?.lines ?? []);
      const { octetsToUpstream, octetsToClient, commands } = await postern.waitForLog('sessionClosed');
      sessions.push({ octetsToUpstream, octetsToClient, commands });
      expect(await postern.metric('postern_commands_total{command="UIDL"}')).toBe(1);
    }
    expect(sessions[1]).toEqual(sessions[0]);
    expect(JSON.stringify(sessions[0])).toMatch(/\d\d/);
  });

  it('leaves a refused password what it is', async () => {
    await using dovecot = await start();
    await using postern = await startPostern({ port: dovecot.pop3sPort });
    using client = await connectGreeted({ port: postern.port('starttls') });
    expect(await client.logIn(user, 'wrong')).toMatch(/^-ERR \[AUTH\]/);
    expect(await client.logIn(user, password)).toMatch(/^\+OK/);
    expect(await client.command('STAT')).toMatch(/^\+OK 2 /);
  });
});

describe('an upstream that is read ahead', () => {
  const replies: Readonly<Record<string, string>> = {
    STAT: '+OK 2 320\r\n',
    UIDL: '+OK\r\n1 one\r\n2 two\r\n.\r\n',
    LIST: '+OK\r\n1 120\r\n2 200\r\n.\r\n',
    'RETR 1': '+OK\r\n..stuffed\r\n.\r\n',
  };
  const serve = (capabilities: string, answer: Answer = () => undefined): Promise<ScriptedUpstream> =>
    startScriptedUpstream({
      tls: { ...certificates.valid, start: 'implicit' },
      answer: (line, connection) =>
        answer(line, connection) ?? (line === 'CAPA' ? `+OK\r\n${capabilities}.\r\n` : replies[line]),
    });
  const pipelining = 'USER\r\nSASL PLAIN\r\nPIPELINING\r\n';

  it('gets all four with the login where it announces PIPELINING, and nothing that the client did not ask besides', async () => {
    await using upstream = await serve(pipelining);
    await using postern = await startPostern(upstream);
    using client = await logIn(postern);
    expect(await client.command('STAT')).toBe('+OK 2 320');
    expect(await client.multilineCommand('RETR 1')).toEqual(['.stuffed']);
    const { lines } = await upstream.connection();
    expect(lines.map((line) => line.replace(/^AUTH PLAIN .*/, 'AUTH'))).toEqual(['CAPA', 'AUTH', ...ahead, 'RETR 1']);
    expect(await postern.metric(total('unused'))).toBe(3);
  });

  it('gets them with USER and PASS where it knows no SASL', async () => {
    await using upstream = await serve('USER\r\nPIPELINING\r\n');
    await using postern = await startPostern(upstream);
    using client = await logIn(postern);
    expect(await client.multilineCommand('UIDL')).toEqual(['1 one', '2 two']);
    const { lines } = await upstream.connection();
    expect(lines).toEqual(['CAPA', `USER ${user}`, `PASS ${password}`, ...ahead]);
  });

  it('is asked one thing behind the other where it announces none, and before the client is', async () => {
    await using upstream = await serve('USER\r\n');
    await using postern = await startPostern(upstream);
    using client = await logIn(postern);
    const { lines } = await upstream.connection();
    await eventually(() => expect(lines.slice(3)).toEqual(ahead));
    expect(await client.multilineCommand('LIST')).toEqual(['1 120', '2 200']);
    expect(await client.command('NOOP')).toBe('+OK');
    expect(lines.slice(3)).toEqual([...ahead, 'NOOP']);
  });

  it('is not read ahead any more once it has broken off, and the client sees that in its place', async () => {
    await using upstream = await serve(pipelining, (line, { socket, lines }) => {
      if (!lines.includes('UIDL')) return undefined;
      if (line === 'UIDL') setImmediate(() => socket.end());
      return line === 'UIDL' ? '+OK\r\n1 o' : '';
    });
    await using postern = await startPostern(upstream);
    using client = await logIn(postern);
    await eventually(async () => expect((await upstream.connection()).lines).toContain('UIDL'));
    expect(await client.command('STAT')).toBe('+OK 2 320');
    expect(client.unread).toBe('');
    client.send('UIDL\r\n');
    expect(await client.closed()).toBe('+OK\r\n1 o');
    expect(await postern.waitForLog('sessionClosed')).toMatchObject({ reason: 'upstream_closed' });
    using next = await logIn(postern);
    expect(await next.command('NOOP')).toBe('+OK');
    expect((await upstream.connection(1)).lines).not.toContain('STAT');
  });

  it('gets what a client sends before it is gone, and the end behind it', async () => {
    await using upstream = await serve('USER\r\n', (line) => (line === 'STAT' ? '' : undefined));
    await using postern = await startPostern(upstream);
    using client = await logIn(postern);
    const { lines, ended, send } = await connectionOf(upstream);
    await eventually(() => expect(lines).toContain('STAT'));
    client.send('DELE 1\r\nQUIT\r\n');
    client.end();
    send('+OK 2 320\r\n');
    await eventually(() => expect(lines.slice(-2)).toEqual(['DELE 1', 'QUIT']));
    expect(await inTime('the end', ended)).toBe('end');
    expect(await client.closed()).toBe('+OK\r\n+OK\r\n');
  });

  it('is let go when the client resets the connection or an operator ends the session', async () => {
    await using upstream = await serve(pipelining);
    await using postern = await startPostern(upstream);
    const client = await logIn(postern);
    client.reset();
    await inTime('the end', (await upstream.connection()).ended);
    expect(await postern.waitForLog('sessionClosed')).toMatchObject({ reason: 'client_reset' });
    using other = await logIn(postern);
    const [, { session }] = postern.logged('relayStarted') as [unknown, { session: string }];
    expect((await postern.ask(`/api/v1/sessions/${session}`, 'DELETE')).ok).toBe(true);
    expect(await other.closed()).toBe('');
    await inTime('the end', (await upstream.connection(1)).ended);
    expect((await upstream.connection(1)).lines).not.toContain('QUIT');
  });

  it('may send more than is kept: the client gets all of it', async () => {
    const long = Array.from({ length: 150_000 }, (_, number) => `${number + 1} a-long-unique-id`);
    await using upstream = await serve(pipelining, (line) =>
      line === 'UIDL' ? `+OK\r\n${long.join('\r\n')}\r\n.\r\n` : undefined,
    );
    await using postern = await startPostern(upstream);
    using client = await logIn(postern);
    expect(await client.command('STAT')).toBe('+OK 2 320');
    expect(await client.multilineCommand('UIDL')).toEqual(long);
    expect(await client.multilineCommand('LIST')).toEqual(['1 120', '2 200']);
  });
});

async function connectionOf(upstream: ScriptedUpstream) {
  const connection = await upstream.connection();
  return { lines: connection.lines, ended: connection.ended, send: (text: string): void => connection.send(text) };
}
