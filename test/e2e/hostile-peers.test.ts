import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type StageOptions, startStage } from './stage.ts';
import { eventually } from './support.ts';
import { connectWireClient, type WireClient } from './wire-client.ts';

/** Large enough to hurt whoever keeps it. */
const tenMegabytes = Buffer.alloc(10e6, 'x');
const impatient = 'sessions: {loginTimeout: 1s, idleTimeout: 1s, maxPerAddress: 1000}';

/** Sends an octet now and then until the connection is closed. */
async function drip(client: WireClient, octets: Iterable<number>): Promise<void> {
  let isClosed = false;
  void client.closed().then(() => {
    isClosed = true;
  });
  for (const octet of octets) {
    if (isClosed) return;
    client.send(Uint8Array.of(octet));
    await delay(100);
  }
}

describe('a client that sends an octet now and then', () => {
  it.each([
    ['in a command', 'starttls', '', Buffer.from(`USER ${'u'.repeat(200)}`)],
    ['in its password', 'starttls', 'USER user@corp.test\r\n', Buffer.from(`PASS ${'p'.repeat(200)}`)],
    ['in its credentials', 'starttls', 'AUTH PLAIN\r\n', Buffer.alloc(200, 'A')],
    [
      'in its hello',
      'implicit',
      '',
      Buffer.concat([Buffer.from([22, 3, 1, 1, 0, 1, 0, 0, 252]), Buffer.alloc(200, 3)]),
    ],
    [
      'in its hello behind STLS',
      'starttls',
      'STLS\r\n',
      Buffer.concat([Buffer.from([22, 3, 1, 1, 0, 1, 0, 0, 252]), Buffer.alloc(200, 3)]),
    ],
  ] as const)('%s has no longer than any other', async (_where, listener, start, octets) => {
    await using stage = await startStage({ sections: impatient });
    using client = await connectWireClient({ port: stage.postern.port(listener) });
    if (listener === 'starttls') await client.readLine();
    if (start !== '') await client.command(start.trimEnd());

    await drip(client, octets);

    await client.closed();
    await stage.postern.waitForLog('sessionClosed', { reason: 'login_timeout' });
  });
});

describe('a client that sends ten megabytes without a line ending', () => {
  it.each([
    ['before it logs in', ''],
    ['in an AUTH exchange', 'AUTH LOGIN\r\n'],
  ])('%s is closed', async (_when, start) => {
    await using stage = await startStage();
    using client = await stage.connect();

    client.send(start);
    client.send(tenMegabytes);

    expect(await client.closed()).toMatch(/-ERR .+ too long\r\n$/);
    await stage.postern.waitForLog('sessionClosed', { reason: 'line_too_long' });
  });
});

describe('an upstream', () => {
  const greeting = tenMegabytes.toString('latin1');
  it.each<[string, NonNullable<StageOptions['script']>]>([
    ['greets with ten megabytes', { greeting }],
    [
      'lists ten megabytes of capabilities',
      { answer: (line) => (line === 'CAPA' ? `+OK\r\n${'X-WORD\r\n'.repeat(1.25e6)}.\r\n` : undefined) },
    ],
    [
      'answers CAPA with a line of ten megabytes',
      { answer: (line) => (line === 'CAPA' ? `+OK\r\n${greeting}` : undefined) },
    ],
    [
      'answers the password with ten megabytes',
      { answer: (line) => (line.startsWith('PASS') ? `+OK ${greeting}` : undefined) },
    ],
  ])('that %s is given up', async (_does, script) => {
    await using stage = await startStage({ script });
    using client = await stage.connect();

    expect(await client.logIn('user@corp.test', 'secret')).toMatch(/^-ERR \[SYS\/TEMP\] /);

    expect(await client.command('CAPA')).toMatch(/^\+OK/);
    await stage.postern.waitForLog('loginFinished', { result: 'unreachable' });
  });

  it('that stalls in the middle of a message is left when nothing came for long enough', async () => {
    const answer = (line: string): string | undefined => (line === 'RETR 1' ? '+OK\r\nSubject: half' : undefined);
    await using stage = await startStage({ script: { answer }, sections: impatient });
    using client = await stage.logIn();

    expect(await client.command('RETR 1')).toBe('+OK');

    expect(await client.closed()).toBe('Subject: half');
    await stage.postern.waitForLog('sessionClosed', { reason: 'idle_timeout' });
    expect((await stage.upstream.connection()).lines).not.toContain('QUIT');
  });

  it.each(['client', 'upstream'] as const)('and its client do not stay half closed by the %s', async (closer) => {
    await using stage = await startStage({
      sections: impatient,
      script: { answer: (line) => (line === 'LAST' ? '' : undefined) },
    });
    using client = await stage.logIn();
    const connection = await stage.upstream.connection();
    connection.socket.removeAllListeners('end');

    if (closer === 'client') client.end();
    else connection.socket.end();

    await stage.postern.waitForLog('sessionClosed');
    await client.closed();
  });
});

describe('resets', () => {
  it('in every state leave nothing behind', async () => {
    await using stage = await startStage({ sections: 'sessions: {maxPerAddress: 1000}' });
    const { postern } = stage;
    const storm = async (listener: string, octets: string): Promise<void> => {
      const sockets = await Promise.all(Array.from({ length: 50 }, () => connected(postern.port(listener))));
      for (const socket of sockets) socket.write(octets);
      await delay(0);
      for (const socket of sockets) socket.resetAndDestroy();
    };

    await storm('starttls', '');
    await storm('starttls', 'CAPA\r\nUSER user@corp.test\r\n');
    await storm('starttls', 'STLS\r\n');
    await storm('starttls', 'USER user@corp.test\r\nPASS secret\r\nSTAT\r\n');
    await storm('implicit', '');
    await storm('implicit', '\u0016\u0003\u0001');

    await eventually(async () => {
      const { sessions } = (await (await postern.ask('/api/v1/status')).json()) as { sessions: number };
      expect(sessions).toBe(0);
    });
    using client = await stage.logIn();
    expect(await client.command('NOOP')).toBe('+OK');
    expect(postern.logged('sessionClosed', { reason: 'internal_error' })).toEqual([]);
  });
});

async function connected(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => {});
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.once('connect', resolve);
  await promise;
  return socket;
}
