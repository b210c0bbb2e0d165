import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { directReads } from '../../src/net/reused-reads.ts';
import { UpstreamMemory } from '../../src/net/upstream-memory.ts';
import { startVerifiedTls } from '../../src/net/verified-tls.ts';
import { portOf } from '../proxy/peer.ts';
import { UpstreamTest } from './upstream-under-test.ts';

const tested = new UpstreamTest();
const servers: Server[] = [];
beforeAll(() => tested.start());
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});
afterAll(() => tested.stop());

/** A verified connection, paused, to a server that sends `mail` and closes. */
async function connectTo(mail: Uint8Array): Promise<TLSSocket> {
  const server = createServer(tested.certificates.valid, (socket) => {
    socket.on('error', () => {});
    socket.end(mail);
  });
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const upstream = tested.upstreamAt(portOf(server));
  const socket = startVerifiedTls(
    { host: '127.0.0.1', port: upstream.port },
    { upstream, memory: new UpstreamMemory(upstream, () => 0) },
  );
  await once(socket, 'secureConnect');
  return socket;
}

/** Reads to the end, with a pause behind every 40th read; tells what came, and how much of it directly. */
async function readDirectly(socket: TLSSocket): Promise<{ received: Buffer; directOctets: number }> {
  const chunks: Buffer[] = [];
  let directOctets = 0;
  const keep = (octets: Uint8Array): void => {
    chunks.push(Buffer.from(octets));
    if (chunks.length % 40 !== 0) return;
    socket.pause();
    setImmediate(() => socket.resume());
  };
  directReads(socket)?.((octets) => {
    directOctets += octets.length;
    keep(octets);
  });
  socket.on('data', keep);
  await once(socket, 'end');
  return { received: Buffer.concat(chunks), directOctets };
}

describe('reads into memory that is used again', () => {
  it('come as the stream’s own as long as nobody takes them directly', async () => {
    const mail = randomBytes(1_000_001);
    const chunks: Buffer[] = [];
    const socket = await connectTo(mail);
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(socket, 'end');
    expect(Buffer.concat(chunks).equals(mail)).toBe(true);
  });

  it('are whole and in order on several connections at once, pauses included', async () => {
    const mails = [randomBytes(3_000_001), randomBytes(3_000_003), randomBytes(10)];
    const sockets = await Promise.all(mails.map(connectTo));
    const results = await Promise.all(sockets.map(readDirectly));
    expect(results.map(({ received }, index) => mails[index]?.equals(received))).toEqual([true, true, true]);
    expect(results[0]?.directOctets).toBeGreaterThan(2_000_000);
  });

  it('queue behind octets that wait in the stream', async () => {
    const mail = randomBytes(2_000_000);
    const socket = await connectTo(mail);
    // Nobody reads yet: the stream takes what it has room for.
    socket.read(0);
    await once(socket, 'readable');
    const waiting = socket.readableLength;
    socket.removeAllListeners('readable');
    expect(waiting).toBeGreaterThan(0);
    const { received } = await readDirectly(socket);
    expect(received.equals(mail)).toBe(true);
  });
});
