import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { connectOldClient, type OldClient, reasonOf } from '../../../src/commands/demo/old-client.ts';

let server: Server;
let client: OldClient | undefined;

afterEach(() => {
  client?.close();
  server.close();
});

/** Connects to a server that gives these replies, the first as greeting, and closes with the last if told to. */
async function connectTo(
  replies: readonly string[],
  options: { readonly closes?: boolean; readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
): Promise<OldClient> {
  server = createServer((socket) => {
    const left = [...replies];
    const reply = (): void => {
      const next = left.shift();
      if (next !== undefined) socket.write(next, 'latin1');
      if (left.length === 0 && options.closes === true) socket.end();
    };
    socket.on('data', reply);
    socket.on('error', () => {});
    reply();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { signal = new AbortController().signal, timeoutMs = 5000 } = options;
  client = await connectOldClient({ host: '127.0.0.1', port: portOf(server), signal, timeoutMs });
  return client;
}

function portOf(listening: Server): number {
  const address = listening.address();
  if (address === null || typeof address === 'string') throw new Error('unreachable');
  return address.port;
}

const reasonFor = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'none', reasonOf);

describe('OldClient', () => {
  it('reads a reply to its final dot and undoes the stuffing, wherever the segments were cut', async () => {
    const connected = await connectTo(['+OK\r\n', '+OK\r\na\r\n..b\r\n.\r\n+OK next\r\n']);
    expect(await connected.multilineCommand('RETR 1')).toEqual(['a', '.b']);
    expect(await connected.expectOk()).toBe('+OK next');
  });

  it('tells what a server that refuses has said, and not what it was sent', async () => {
    const connected = await connectTo(['+OK\r\n', '-ERR [AUTH] No\r\n']);
    expect(await reasonFor(connected.command('PASS open sesame'))).toBe('the server answered "-ERR [AUTH] No"');
  });

  it('takes no greeting but +OK', async () => {
    expect(await reasonFor(connectTo(['+OKAY\r\n']))).toBe('the server answered "+OKAY"');
  });

  it('gives up on a server that does not answer', async () => {
    expect(await reasonFor(connectTo([], { timeoutMs: 20 }))).toBe('it did not answer in time');
  });

  it('gives up when the server closes in the middle of a line', async () => {
    const connected = await connectTo(['+OK\r\n', '+O'], { closes: true });
    expect(await reasonFor(connected.command('STAT'))).toBe('the server closed the connection');
  });

  it('stops waiting when it is told to', async () => {
    const controller = new AbortController();
    const connected = await connectTo(['+OK\r\n'], { signal: controller.signal });
    const answer = reasonFor(connected.command('STAT'));
    controller.abort();
    expect(await answer).toBe('it did not answer in time');
  });

  it('tells that nobody listens', async () => {
    await connectTo(['+OK\r\n']);
    const port = portOf(server);
    client?.close();
    server.close();
    await once(server, 'close');
    const retry = connectOldClient({ host: '127.0.0.1', port, signal: new AbortController().signal });
    expect(await reasonFor(retry)).toContain('ECONNREFUSED');
  });
});
