import { describe, expect, it, vi } from 'vitest';
import { CountingEntrance, type Entrance, type EntryRefusal } from '../../src/proxy/entrance.ts';
import { leave, openGate, useGates } from './gate-under-test.ts';
import { createFakePorts } from './session-under-test.ts';

const tooMany = '-ERR [SYS/TEMP] Too many connections. Please try again later\r\n';
const tooManyOfYours = '-ERR [SYS/TEMP] Too many connections from your address. Please try again later\r\n';

useGates();

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

describe('an entrance that answers later', () => {
  function openEntrance() {
    const { promise, resolve: answer } = Promise.withResolvers<EntryRefusal | undefined>();
    const left: (string | undefined)[] = [];
    const entrance: Entrance = { enter: () => promise, leave: (address) => left.push(address) };
    return { entrance, answer, left };
  }

  it('lets a client in when it says so, with what the client sent meanwhile', async () => {
    const { entrance, answer, left } = openEntrance();
    const tested = await openGate({}, { entrance });
    const client = await tested.connect();
    client.send('QUIT\r\n');
    expect(tested.recorder.kinds).toEqual([]);
    answer(undefined);
    expect(await client.line()).toBe('+OK Postern ready\r\n');
    expect(await client.line()).toMatch(/^\+OK/);
    await vi.waitUntil(() => left.length > 0);
    expect(left).toEqual(['127.0.0.1']);
  });

  it('refuses with its reason', async () => {
    const { entrance, answer, left } = openEntrance();
    const tested = await openGate({}, { entrance });
    const client = await tested.connect();
    answer({ reason: 'max_total' });
    expect(await client.rest()).toBe(tooMany);
    expect(left).toEqual([]);
  });

  it('gets the place back of a client that a drain came before', async () => {
    const { entrance, answer, left } = openEntrance();
    const tested = await openGate({}, { entrance });
    const client = await tested.connect();
    void tested.gate.drain({ timeoutMs: 0 });
    answer(undefined);
    expect(await client.rest()).toMatch(/^-ERR \[SYS\/TEMP\] This server is about to restart/);
    expect(left).toEqual(['127.0.0.1']);
    expect(tested.recorder.of('connectionRefused')).toMatchObject([{ reason: 'draining' }]);
  });

  it('gets the place back of a client that is gone', async () => {
    const { entrance, answer, left } = openEntrance();
    const tested = await openGate({}, { entrance });
    const client = await tested.connect();
    client.socket.resetAndDestroy();
    await vi.waitUntil(() => tested.accepted.every(({ destroyed }) => destroyed));
    answer(undefined);
    await vi.waitUntil(() => left.length > 0);
    expect(left).toEqual(['127.0.0.1']);
    expect(tested.recorder.kinds).toEqual([]);
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
  const entranceWhile = (isOverloaded: () => boolean): Entrance =>
    new CountingEntrance({
      limits: () => ({ maxTotal: 100, maxPerAddress: 100 }),
      guard: createFakePorts().ports.guard,
      isOverloaded,
    });

  it.each([
    ['plaintext', '-ERR [SYS/TEMP] This server is too busy. Please try again in a few minutes\r\n'],
    ['stls', '-ERR [SYS/TEMP] This server is too busy. Please try again in a few minutes\r\n'],
    ['implicit', ''],
  ] as const)('is refused before any handshake (%s)', async (transport, reply) => {
    const tested = await openGate({}, { transport, entrance: entranceWhile(() => true) });
    expect(await (await tested.connect()).rest()).toBe(reply);
    expect(tested.recorder.events).toEqual([
      { kind: 'connectionRefused', listener: 'lan', address: '127.0.0.1', reason: 'overloaded' },
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('changes nothing for those that are in', async () => {
    let isOverloaded = false;
    const tested = await openGate({}, { entrance: entranceWhile(() => isOverloaded) });
    const client = await tested.connect();
    await client.line();
    isOverloaded = true;
    await (await tested.connect()).rest();
    expect(await client.ask('CAPA')).toMatch(/^\+OK/);
    isOverloaded = false;
    expect(await (await tested.connect()).line()).toBe('+OK Postern ready\r\n');
  });
});
