import { createHash, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { eventually, type Peer } from './peer.ts';
import { startRelay } from './relay-under-test.ts';

function hash(octets: Uint8Array): string {
  return createHash('sha256').update(octets).digest('hex');
}

/** The hash of all that a peer gets until the other side sends no more. */
async function hashOfRest(peer: Peer): Promise<string> {
  await peer.rest();
  return hash(Buffer.from(peer.received, 'latin1'));
}

/** Shortens the one wait a test cannot sit through. */
function shortenTimeouts(socket: Socket, { from, to }: { from: number; to: number }): void {
  const setTimeout = socket.setTimeout.bind(socket);
  socket.setTimeout = (ms, onTimeout) => setTimeout(ms === from ? to : ms, onTimeout);
}

describe('a relay', () => {
  it('passes on every octet unchanged, both ways at once', async () => {
    await using relayed = await startRelay();
    const { client, server } = relayed;
    const commands = randomBytes(3_000_001);
    const mail = randomBytes(5_000_003);
    client.socket.end(commands);
    server.send(mail);
    const received = Promise.all([hashOfRest(server), hashOfRest(client)]);
    server.socket.on('end', () => server.socket.end());
    expect(await received).toEqual([hash(commands), hash(mail)]);
    await relayed.closed;
    expect(relayed.traffic).toEqual({ toUpstream: 3_000_001, toClient: 5_000_003 });
    expect(relayed.meter).toMatchObject({ octetsToUpstream: 3_000_001, octetsToClient: 5_000_003 });
    expect(relayed.reasons).toHaveLength(1);
  });

  it('begins with what had arrived before it', async () => {
    await using relayed = await startRelay({ fromClient: 'STAT\r\nLI', fromUpstream: '+OK ea' });
    const { client, server, traffic, meter } = relayed;
    client.send('ST\r\n');
    expect(await server.until('LIST\r\n')).toBe('STAT\r\nLIST\r\n');
    server.send('rly\r\n');
    expect(await client.line()).toBe('+OK early\r\n');
    expect(traffic).toEqual({ toUpstream: 12, toClient: 11 });
    expect(meter.commands).toMatchObject({ STAT: 1, LIST: 1, other: 0 });
  });

  it('counts commands of the client and takes nothing in a mail for one', async () => {
    await using relayed = await startRelay();
    const { client, server, meter } = relayed;
    client.send('RETR 1\r\nretr 2\r\nDELE 1\r\nXTND\r\n');
    await server.until('XTND\r\n');
    server.send('+OK\r\nQUIT\r\nDELE 2\r\n.\r\n');
    await client.until('.\r\n');
    expect(meter.commands).toMatchObject({ RETR: 2, DELE: 1, QUIT: 0, other: 1 });
  });

  it('passes 1,000 pipelined commands on in order', async () => {
    await using relayed = await startRelay();
    const commands = Array.from({ length: 1000 }, (_, index) => `UIDL ${index}\r\n`).join('');
    relayed.client.send(commands);
    expect(await relayed.server.until('UIDL 999\r\n')).toBe(commands);
    expect(relayed.meter.commands.UIDL).toBe(1000);
  });
});

describe('an end of one side', () => {
  it('is passed on to the upstream, whose answer still gets through', async () => {
    await using relayed = await startRelay();
    const { client, server } = relayed;
    client.socket.end('QUIT\r\n');
    expect(await server.rest()).toBe('QUIT\r\n');
    server.socket.end('+OK bye\r\n');
    expect(await client.rest()).toBe('+OK bye\r\n');
    expect(await relayed.closed).toBe('client_closed');
  });

  it('is passed on to the client behind all that was on its way', async () => {
    await using relayed = await startRelay();
    const { client, server } = relayed;
    const mail = randomBytes(2_000_000);
    server.socket.end(mail);
    expect(await hashOfRest(client)).toBe(hash(mail));
    client.socket.end();
    expect(await relayed.closed).toBe('upstream_closed');
  });

  it('that came before the relay began is passed on', async () => {
    // As a session leaves a client that closed its sending side during the login.
    const ended = Promise.withResolvers<void>();
    await using relayed = await startRelay({
      prepare: ({ client }) => {
        client.on('data', () => {});
        client.on('end', () => ended.resolve());
      },
    });
    relayed.client.socket.end();
    await ended.promise;
    expect(await relayed.server.rest()).toBe('');
  });

  it.each(['end', 'destroy', 'resetAndDestroy'] as const)(
    'of the client (%s) adds nothing of its own',
    async (close) => {
      await using relayed = await startRelay();
      const { client, server } = relayed;
      client.send('DELE 1\r\n');
      expect(await server.line()).toBe('DELE 1\r\n');
      client.socket[close]();
      expect(await server.rest()).toBe('');
      expect(server.received).toBe('DELE 1\r\n');
      server.socket.end();
      expect(await relayed.closed).toBe(close === 'resetAndDestroy' ? 'client_reset' : 'client_closed');
    },
  );

  it.each([
    { close: 'destroy', reason: 'upstream_closed' },
    { close: 'resetAndDestroy', reason: 'upstream_reset' },
  ] as const)('of the upstream ($close) lets the client have what had arrived', async ({ close, reason }) => {
    await using relayed = await startRelay();
    const { client, server } = relayed;
    server.send('+OK 2 320\r\n');
    expect(await client.line()).toBe('+OK 2 320\r\n');
    server.socket[close]();
    expect(await client.rest()).toBe('');
    client.socket.end();
    expect(await relayed.closed).toBe(reason);
  });

  it('is not counted as traffic when octets still come for it', async () => {
    await using relayed = await startRelay();
    const { client, server, traffic, meter } = relayed;
    server.socket.end();
    await client.rest();
    client.socket.end('STAT\r\n');
    await relayed.closed;
    expect(traffic).toEqual({ toUpstream: 0, toClient: 0 });
    expect(meter.octetsToUpstream).toBe(0);
    expect(meter.commands.STAT).toBe(0);
  });
});

describe('a side that does not read', () => {
  it.each(['client', 'server'] as const)('holds the other up: the %s', async (stalled) => {
    await using relayed = await startRelay();
    const [reader, writer] = stalled === 'client' ? [relayed.client, relayed.server] : [relayed.server, relayed.client];
    const [toReader, fromWriter] =
      stalled === 'client'
        ? [relayed.clientSocket, relayed.upstreamSocket]
        : [relayed.upstreamSocket, relayed.clientSocket];
    const octets = randomBytes(30_000_000);
    reader.socket.pause();
    writer.socket.end(octets);
    await eventually(() => fromWriter.isPaused(), 'the relay stops reading');
    expect(toReader.writableLength).toBeLessThan(1_000_000);
    expect(writer.socket.writableLength).toBeGreaterThan(0);
    const pauses = relayed.meter.pauses[stalled === 'client' ? 'upstream' : 'client'];
    expect(pauses.count).toBeGreaterThan(0);
    const hashed = hashOfRest(reader);
    reader.socket.resume();
    expect(await hashed).toBe(hash(octets));
  });
});

describe('a side that does not close', () => {
  it.each([
    { left: 'client', reason: 'upstream_reset' },
    { left: 'server', reason: 'client_reset' },
  ] as const)(
    'is cut some time after the other has gone, with the reason that one went for: the $left',
    async (row) => {
      await using relayed = await startRelay({
        prepare: ({ client, upstream }) => {
          for (const socket of [client, upstream]) shortenTimeouts(socket, { from: 10_000, to: 50 });
        },
      });
      const [left, gone] = row.left === 'client' ? [relayed.client, relayed.server] : [relayed.server, relayed.client];
      gone.socket.resetAndDestroy();
      expect(await left.rest()).toBe('');
      expect(await relayed.closed).toBe(row.reason);
      expect(left.socket.writableEnded).toBe(false);
    },
  );
});

describe('the idle time-out', () => {
  it('cuts both sides, with no QUIT', async () => {
    await using relayed = await startRelay({ idleTimeoutMs: 20 });
    const { client, server } = relayed;
    expect(await Promise.all([client.rest(), server.rest()])).toEqual(['', '']);
    expect(await relayed.closed).toBe('idle_timeout');
  });

  it('cuts a side that has stopped reading', async () => {
    await using relayed = await startRelay({ idleTimeoutMs: 100 });
    relayed.client.socket.pause();
    relayed.server.send(randomBytes(30_000_000));
    expect(await relayed.closed).toBe('idle_timeout');
  });

  it.each(['client', 'server'] as const)('begins anew with each octet of the %s', async (side) => {
    const idleTimeoutMs = 1_000;
    await using relayed = await startRelay({ idleTimeoutMs });
    const { client, server } = relayed;
    const [from, to] = side === 'client' ? [client, server] : [server, client];
    const startedAtMs = performance.now();
    while (performance.now() - startedAtMs < 1.5 * idleTimeoutMs) {
      from.send('NOOP\r\n');
      expect(await to.line()).toBe('NOOP\r\n');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(relayed.reasons).toEqual([]);
    expect(await relayed.closed).toBe('idle_timeout');
    expect(performance.now() - startedAtMs).toBeGreaterThan(2 * idleTimeoutMs);
  });
});

describe('a side that is left over', () => {
  it('cannot put its end off by sending an octet now and then', async () => {
    await using relayed = await startRelay({ idleTimeoutMs: 500 });
    const { client, server, clientSocket } = relayed;
    server.socket.end();
    let isOver = false;
    const trickle = (async () => {
      while (!isOver) {
        client.send('.');
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })();
    expect(await relayed.closed).toBe('upstream_closed');
    expect(clientSocket.destroyed).toBe(true);
    isOver = true;
    await trickle;
  });
});

describe('cut', () => {
  it('closes both sides at once, keeps the reason and tells it once', async () => {
    await using relayed = await startRelay();
    const { client, server, relay } = relayed;
    client.send('DELE 1\r\n');
    await server.line();
    relay.cut('ended_by_operator');
    relay.cut('drained');
    expect(await Promise.all([client.rest(), server.rest()])).toEqual(['', '']);
    expect(await relayed.closed).toBe('ended_by_operator');
    expect(relayed.reasons).toEqual(['ended_by_operator']);
  });
});
