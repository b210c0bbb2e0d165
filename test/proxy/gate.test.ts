import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Gate, type GateLimits, type GateListener } from '../../src/proxy/gate.ts';
import { Peer, portOf } from './peer.ts';
import { createFakePorts, type FakePorts, logInAs, policies, statusReply } from './session-under-test.ts';

const tooMany = '-ERR [SYS/TEMP] Too many connections. Please try again later\r\n';
const tooManyOfYours = '-ERR [SYS/TEMP] Too many connections from your address. Please try again later\r\n';

interface GateUnderTest extends FakePorts {
  readonly gate: Gate;
  /** Connects a client; it is the gate's by then. */
  connect(from?: string): Promise<Peer>;
}

const servers: Server[] = [];
const clients: Peer[] = [];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(async () => {
  vi.useRealTimers();
  for (const { socket } of clients.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) {
    server.close();
    await once(server, 'close');
  }
});

async function openGate(
  limits: Partial<GateLimits> = {},
  {
    transport = 'plaintext',
    host = '127.0.0.1',
    addressOf,
    isOverloaded = () => false,
  }: {
    transport?: keyof typeof policies;
    host?: string;
    addressOf?: (index: number) => string;
    isOverloaded?: () => boolean;
  } = {},
): Promise<GateUnderTest> {
  const fakes = createFakePorts();
  const gate = new Gate({
    limits: { maxTotal: 100, maxPerAddress: 100, maxHeldReplies: 100, ...limits },
    ports: fakes.ports,
    idPrefix: 'p',
    isOverloaded,
  });
  const listener: GateListener = { name: 'lan', policy: policies[transport] };
  let accepted = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted += 1;
    // Loopback has one IPv6 address only.
    if (addressOf !== undefined) Object.defineProperty(socket, 'remoteAddress', { value: addressOf(accepted) });
    gate.accept(socket, listener);
  });
  servers.push(server);
  server.listen(0, host);
  await once(server, 'listening');
  return {
    ...fakes,
    gate,
    connect: async (from) => {
      const socket = connect({ host: '127.0.0.1', port: portOf(server), ...(from && { localAddress: from }) });
      const client = new Peer(socket);
      clients.push(client);
      await Promise.all([once(socket, 'connect'), once(server, 'connection')]);
      return client;
    },
  };
}

function closedSessions({ recorder }: GateUnderTest): readonly string[] {
  return recorder.of('sessionClosed').map(({ sessionId, reason }) => `${sessionId} ${reason}`);
}

async function leave(tested: GateUnderTest, client: Peer): Promise<void> {
  const before = tested.recorder.of('sessionClosed').length;
  client.send('QUIT\r\n');
  await client.rest();
  await vi.waitUntil(() => tested.recorder.of('sessionClosed').length > before);
}

describe('accept', () => {
  it('gives each session an id of its own', async () => {
    const tested = await openGate();
    await (await tested.connect()).line();
    await (await tested.connect()).line();
    expect(tested.recorder.of('sessionOpened').map(({ sessionId }) => sessionId)).toEqual(['p-1', 'p-2']);
    expect(tested.recorder.of('sessionOpened').map(({ listener }) => listener)).toEqual(['lan', 'lan']);
  });

  it('takes a client of a dual-stack listener that came over IPv4 for an IPv4 client', async () => {
    const tested = await openGate({}, { host: '::' });
    await (await tested.connect()).line();
    expect(tested.recorder.of('sessionOpened')).toMatchObject([{ address: '127.0.0.1' }]);
  });

  it('counts an IPv4-mapped address with its IPv4 address', async () => {
    const tested = await openGate({ maxPerAddress: 1 }, { host: '::' });
    await (await tested.connect('127.0.0.1')).line();
    expect(await (await tested.connect('127.0.0.1')).rest()).toBe(tooManyOfYours);
    expect(tested.recorder.of('connectionRefused')).toMatchObject([{ address: '127.0.0.1' }]);
  });

  it('drops a connection that is gone already', async () => {
    const tested = await openGate();
    const server = createServer();
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect({ host: '127.0.0.1', port: portOf(server) });
    const [socket] = await once(server, 'connection');
    client.destroy();
    socket.destroy();
    tested.gate.accept(socket, { name: 'lan', policy: policies.plaintext });
    expect(tested.recorder.events).toEqual([]);
    expect(tested.gate.end('p-1', 'drained')).toBe(false);
  });
});

describe('the limit of all sessions', () => {
  it('refuses one too many with a reply, and lets one in for each that ends', async () => {
    const tested = await openGate({ maxTotal: 2 });
    const first = await tested.connect('127.0.0.1');
    const second = await tested.connect('127.0.0.2');
    await first.line();
    await second.line();
    expect(await (await tested.connect('127.0.0.3')).rest()).toBe(tooMany);
    expect(tested.recorder.of('connectionRefused')).toEqual([
      { kind: 'connectionRefused', listener: 'lan', address: '127.0.0.3', reason: 'max_total' },
    ]);
    await leave(tested, first);
    expect(await (await tested.connect('127.0.0.3')).line()).toBe('+OK Postern ready\r\n');
    expect(tested.recorder.of('sessionOpened')).toHaveLength(3);
  });

  it('closes without a word where the client waits for a handshake', async () => {
    const tested = await openGate({ maxTotal: 0 }, { transport: 'implicit' });
    expect(await (await tested.connect()).rest()).toBe('');
    expect(tested.recorder.kinds).toEqual(['connectionRefused']);
  });
});

describe('the limit of an address', () => {
  it('counts each address by itself, and lets one in for each that ends', async () => {
    const tested = await openGate({ maxPerAddress: 2 });
    const first = await tested.connect('127.0.0.1');
    await first.line();
    await (await tested.connect('127.0.0.1')).line();
    expect(await (await tested.connect('127.0.0.1')).rest()).toBe(tooManyOfYours);
    expect(tested.recorder.of('connectionRefused')).toMatchObject([
      { address: '127.0.0.1', reason: 'max_per_address' },
    ]);
    expect(await (await tested.connect('127.0.0.2')).line()).toBe('+OK Postern ready\r\n');
    await leave(tested, first);
    expect(await (await tested.connect('127.0.0.1')).line()).toBe('+OK Postern ready\r\n');
    expect(await (await tested.connect('127.0.0.1')).rest()).toBe(tooManyOfYours);
  });

  it('counts an IPv6 network of 64 bits as one, since a host has all of it', async () => {
    const tested = await openGate({ maxPerAddress: 1 }, { addressOf: (index) => `2001:db8::${index}` });
    await (await tested.connect()).line();
    expect(await (await tested.connect()).rest()).toBe(tooManyOfYours);
  });

  it('lets its only session be followed by another', async () => {
    const tested = await openGate({ maxPerAddress: 1 });
    const first = await tested.connect();
    await first.line();
    await leave(tested, first);
    expect(await (await tested.connect()).line()).toBe('+OK Postern ready\r\n');
  });
});

describe('a blocked address', () => {
  it.each([
    [
      { limit: 'perAddress', retryAfterMs: 300_000 },
      '-ERR [SYS/TEMP] Too many failed logins from your network. Please try again in 5 minutes\r\n',
    ],
    [{}, '-ERR [SYS/PERM] Logins from your network are blocked here. Please ask your administrator\r\n'],
  ] as const)('is refused at accept (%j)', async (block, reply) => {
    const tested = await openGate();
    tested.guard.blocked.set('127.0.0.2', block);
    const blocked = await tested.connect('127.0.0.2');
    expect(await blocked.rest()).toBe(reply);
    expect(tested.recorder.events).toEqual([
      { kind: 'connectionRefused', listener: 'lan', address: '127.0.0.2', reason: 'blocked' },
    ]);
    expect(await (await tested.connect('127.0.0.1')).line()).toBe('+OK Postern ready\r\n');
    tested.guard.blocked.clear();
    expect(await (await tested.connect('127.0.0.2')).line()).toBe('+OK Postern ready\r\n');
  });

  it('is dropped before any handshake', async () => {
    const tested = await openGate({}, { transport: 'implicit' });
    tested.guard.blocked.set('127.0.0.1', { limit: 'perAddress', retryAfterMs: 1_000 });
    const client = await tested.connect();
    expect(await client.rest()).toBe('');
    expect(tested.recorder.kinds).toEqual(['connectionRefused']);
  });

  it('leaves nothing behind, however often it comes', async () => {
    const tested = await openGate({ maxPerAddress: 1, maxTotal: 1 });
    tested.guard.blocked.set('127.0.0.2', { limit: 'perAddress', retryAfterMs: 1_000 });
    for (let round = 0; round < 20; round += 1) await (await tested.connect('127.0.0.2')).rest();
    expect(vi.getTimerCount()).toBe(0);
    expect(await (await tested.connect('127.0.0.1')).line()).toBe('+OK Postern ready\r\n');
  });
});

describe('a connection while this process is overloaded', () => {
  it.each([
    ['plaintext', '-ERR [SYS/TEMP] This server is too busy. Please try again in a few minutes\r\n'],
    ['stls', '-ERR [SYS/TEMP] This server is too busy. Please try again in a few minutes\r\n'],
    ['implicit', ''],
  ] as const)('is refused before any handshake (%s)', async (transport, reply) => {
    const tested = await openGate({}, { transport, isOverloaded: () => true });
    expect(await (await tested.connect()).rest()).toBe(reply);
    expect(tested.recorder.events).toEqual([
      { kind: 'connectionRefused', listener: 'lan', address: '127.0.0.1', reason: 'overloaded' },
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('changes nothing for those that are in', async () => {
    let isOverloaded = false;
    const tested = await openGate({}, { isOverloaded: () => isOverloaded });
    const client = await tested.connect();
    await client.line();
    isOverloaded = true;
    await (await tested.connect()).rest();
    expect(await client.ask('CAPA')).toMatch(/^\+OK/);
    isOverloaded = false;
    expect(await (await tested.connect()).line()).toBe('+OK Postern ready\r\n');
  });
});

describe('end', () => {
  it('cuts the session of that id and no other', async () => {
    const tested = await openGate();
    const [one, other] = [await tested.connect(), await tested.connect()];
    await one.line();
    await other.line();
    expect(tested.gate.end('p-1', 'ended_by_operator')).toBe(true);
    expect(await one.rest()).toBe('');
    expect(await other.ask('NOOP')).toMatch(/^-ERR/);
    expect(closedSessions(tested)).toEqual(['p-1 ended_by_operator']);
  });

  it('knows no session that was never there or has ended', async () => {
    const tested = await openGate();
    const client = await tested.connect();
    await client.line();
    await leave(tested, client);
    expect(tested.gate.end('p-1', 'ended_by_operator')).toBe(false);
    expect(tested.gate.end('p-7', 'ended_by_operator')).toBe(false);
  });
});

describe('drain', () => {
  it('is done at once where there is no session', async () => {
    const tested = await openGate();
    expect(tested.gate.isDraining).toBe(false);
    await tested.gate.drain({ timeoutMs: 30_000 });
    expect(tested.gate.isDraining).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('waits for the sessions to end, and lets them go on meanwhile', async () => {
    const tested = await openGate();
    const client = await tested.connect();
    await client.line();
    let isDrained = false;
    const drained = tested.gate.drain({ timeoutMs: 30_000 }).then(() => {
      isDrained = true;
    });
    await logInAs(client);
    client.send('QUIT\r\n');
    await tested.upstream.server.line();
    expect(isDrained).toBe(false);
    tested.upstream.server.socket.end('+OK bye\r\n');
    expect(await client.rest()).toBe('+OK bye\r\n');
    await drained;
    expect(closedSessions(tested)).toEqual(['p-1 upstream_closed']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('lets replies out that are held back', async () => {
    const tested = await openGate();
    tested.upstream.answer = async () => ({ kind: 'refused', reply: statusReply('-ERR [AUTH] No') });
    tested.guard.delayMs = 8_000;
    const client = await tested.connect();
    await client.line();
    const reply = logInAs(client);
    await tested.recorder.first('loginFinished');
    const drained = tested.gate.drain({ timeoutMs: 30_000 });
    expect(await reply).toBe('-ERR [AUTH] No\r\n');
    await leave(tested, client);
    await drained;
  });

  it('cuts what is left when the time is up', async () => {
    const tested = await openGate();
    const clients = [await tested.connect(), await tested.connect()];
    for (const client of clients) await client.line();
    const drained = tested.gate.drain({ timeoutMs: 30_000 });
    vi.advanceTimersByTime(29_999);
    expect(await clients[0]?.ask('CAPA')).toMatch(/^\+OK/);
    vi.advanceTimersByTime(1);
    await drained;
    for (const client of clients) await client.rest();
    expect(closedSessions(tested).toSorted()).toEqual(['p-1 drained', 'p-2 drained']);
  });

  it.each(['before it', 'while it waits'] as const)('cuts what is left when it is aborted %s', async (when) => {
    const tested = await openGate();
    const client = await tested.connect();
    await client.line();
    const impatience = new AbortController();
    if (when === 'before it') impatience.abort();
    const drained = tested.gate.drain({ timeoutMs: 30_000, signal: impatience.signal });
    impatience.abort();
    await drained;
    expect(await client.rest()).toBe('');
    expect(await tested.recorder.first('sessionClosed')).toMatchObject({ reason: 'drained' });
  });

  it('lets nobody in any more', async () => {
    const tested = await openGate();
    const client = await tested.connect();
    await client.line();
    const drained = tested.gate.drain({ timeoutMs: 30_000 });
    expect(await (await tested.connect()).rest()).toMatch(/^-ERR \[SYS\/TEMP\] .+ restart.+\r\n$/);
    expect(tested.recorder.of('connectionRefused')).toMatchObject([{ reason: 'draining' }]);
    await leave(tested, client);
    await drained;
  });
});
