import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { closedSessions, leave, openGate, useGates } from './gate-under-test.ts';
import { portOf } from './peer.ts';
import { logInAs, policies, statusReply } from './session-under-test.ts';

const tooManyOfYours = '-ERR [SYS/TEMP] Too many connections from your address. Please try again later\r\n';

useGates();

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
    onTestFinished(() => void server.close());
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
