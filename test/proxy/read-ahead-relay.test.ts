import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ReadAheadStart } from '../../src/pop3/read-ahead-terms.ts';
import { eventually } from './peer.ts';
import { type RelayUnderTest, startRelay } from './relay-under-test.ts';
import { corp } from './session-under-test.ts';

const target = { ...corp, readAhead: true };
const stat = '+OK 2 320\r\n';
const replies = `${stat}+OK\r\n1 one\r\n.\r\n+OK\r\n1 120\r\n.\r\n+OK\r\nTOP\r\n.\r\n`;
const keptForMs = 30_000;

const begin = (start: ReadAheadStart, more: Parameters<typeof startRelay>[0] = {}): Promise<RelayUnderTest> =>
  startRelay({ readAhead: { target, start }, ...more });

const countsOf = ({ meter }: RelayUnderTest) => Object.fromEntries(meter.readAhead.list())[target.name];

afterEach(() => {
  vi.useRealTimers();
});

describe('a relay that reads ahead', () => {
  it('begins with what had arrived on both sides, and counts what the client sends and gets', async () => {
    await using relayed = await begin('sent', { fromClient: 'STAT\r\nUI', fromUpstream: replies });
    const { client, server, traffic, meter } = relayed;
    expect(await client.line()).toBe(stat);
    client.send('DL\r\nRETR 1\r\n');
    expect(await client.until('.\r\n')).toBe('+OK\r\n1 one\r\n.\r\n');
    expect(await server.line()).toBe('RETR 1\r\n');
    expect(traffic).toEqual({ toUpstream: 20, toClient: stat.length + '+OK\r\n1 one\r\n.\r\n'.length });
    expect(meter).toMatchObject({ octetsToUpstream: 20, octetsToClient: traffic.toClient });
    expect(meter.commands).toMatchObject({ STAT: 1, UIDL: 1, RETR: 1, LIST: 0, CAPA: 0 });
    expect(countsOf(relayed)).toMatchObject({ used: 2, unused: 2 });
  });

  it('forgets after a while, and asks anew what the client asks then', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await using relayed = await begin('sent', { fromUpstream: replies });
    const { client, server } = relayed;
    vi.advanceTimersByTime(keptForMs);
    expect(countsOf(relayed)).toMatchObject({ unused: 4 });
    client.send('STAT\r\n');
    expect(await server.line()).toBe('STAT\r\n');
    expect(client.received).toBe('');
  });

  it('shows the end of a server when the client has had its time', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await using relayed = await begin('sent', { fromUpstream: replies });
    const { client, server, upstreamSocket } = relayed;
    server.socket.end();
    await eventually(() => upstreamSocket.closed, 'the upstream is closed');
    expect(client.socket.readableEnded).toBe(false);
    vi.advanceTimersByTime(keptForMs);
    expect(await client.rest()).toBe('');
    client.socket.end();
    expect(await relayed.closed).toBe('upstream_closed');
  });

  it('is cut after the idle time, whatever it keeps', async () => {
    await using relayed = await begin('sent', { fromUpstream: replies, idleTimeoutMs: 50 });
    expect(await relayed.closed).toBe('idle_timeout');
    expect(relayed.server.received).toBe('');
  });

  it('sends nothing that waits when it is cut', async () => {
    await using relayed = await begin('stepwise', { fromClient: 'DELE 1\r\nQUIT\r\n' });
    const { relay, server } = relayed;
    await server.until('STAT\r\n');
    relay.cut('ended_by_operator');
    expect(await relayed.closed).toBe('ended_by_operator');
    expect(await server.rest()).toBe('');
  });

  it('lets a client wait with what it sends behind an answer due, and loses none of it', async () => {
    await using relayed = await begin('stepwise');
    const { client, server, clientSocket } = relayed;
    await server.until('STAT\r\n');
    const lines = 'NOOP\r\n'.repeat(1_000_000);
    client.socket.end(lines);
    await eventually(() => clientSocket.isPaused(), 'the client waits');
    server.send(stat);
    expect((await server.rest()).length).toBe(lines.length);
    expect(client.received).toBe('');
    server.socket.end();
  });

  it('tells when a client gives up on an answer that does not come', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    await using relayed = await begin('sent', { fromClient: 'STAT\r\n' });
    const { client, server, meter } = relayed;
    expect(meter.readAhead.isWanted(target)).toBe(true);
    vi.advanceTimersByTime(5_001);
    client.socket.resetAndDestroy();
    await server.rest();
    server.socket.end();
    expect(await relayed.closed).toBe('client_reset');
    expect(meter.readAhead.isWanted(target)).toBe(false);
  });

  it('ends the server’s side when the client goes away', async () => {
    await using relayed = await begin('sent', { fromUpstream: replies });
    const { client, server } = relayed;
    client.socket.end();
    expect(await server.rest()).toBe('');
    server.socket.end();
    expect(await relayed.closed).toBe('client_closed');
  });
});
