import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { HandshakePace } from '../../src/net/handshake-pace.ts';
import type { ClientHandshake } from '../../src/proxy/ports.ts';
import { connectPair, type SocketPair } from '../proxy/peer.ts';

const policy = { tlsProfile: 'intermediate' } as const;
/** So many begin at once; then octets are waited for. */
const unhurried = 16;
const perTurn = 8;

const pairs: SocketPair[] = [];

afterEach(() => {
  for (const { accepted, connected } of pairs.splice(0)) {
    accepted.destroy();
    connected.destroy();
  }
});

async function connect(): Promise<SocketPair> {
  const pair = await connectPair();
  for (const socket of [pair.accepted, pair.connected]) socket.on('error', () => {});
  pairs.push(pair);
  return pair;
}

/** A pace whose handshakes end when they are told to. */
class Paced {
  nowMs = 0;
  readonly pace = new HandshakePace(() => this.nowMs);
  readonly begun: Socket[] = [];
  readonly #ends: (() => void)[] = [];
  readonly secure = this.pace.pace((raw) => {
    this.begun.push(raw);
    const { promise, resolve } = Promise.withResolvers<ClientHandshake>();
    this.#ends.push(() => resolve({ kind: 'failed', isPlaintext: false, detail: 'It is over' }));
    return promise;
  });

  endAll(): void {
    for (const end of this.#ends.splice(0)) end();
  }

  /** Begins handshakes with clients that send nothing, until the next must wait. */
  async fill(): Promise<void> {
    const { accepted } = await connect();
    for (let number = 0; number < unhurried; number += 1) void this.secure(accepted, policy);
    expect(this.begun.splice(0)).toHaveLength(unhurried);
  }
}

describe('HandshakePace', () => {
  it('begins at once where few are under way', async () => {
    const paced = new Paced();
    await paced.fill();
    paced.endAll();
    await nextTurn();
    await paced.fill();
  });

  it('begins no handshake of a client that sends nothing where many are under way', async () => {
    const paced = new Paced();
    await paced.fill();
    const { accepted, connected } = await connect();
    void paced.secure(accepted, policy);
    paced.endAll();
    for (let turn = 0; turn < 10; turn += 1) await nextTurn();
    expect(paced.begun).toEqual([]);
    expect(paced.pace.waitingMs).toBe(0);

    connected.write('hello');
    await vi.waitUntil(() => paced.begun.length > 0);
    expect(String(accepted.read())).toBe('hello');
  });

  it('begins a few each turn, those first who came first', async () => {
    const paced = new Paced();
    await paced.fill();
    const clients: SocketPair[] = [];
    for (let number = 0; number < 2 * perTurn + 1; number += 1) {
      const client = await connect();
      // What is there already is waited for by nobody.
      client.connected.write('hello');
      await once(client.accepted, 'readable');
      clients.push(client);
    }
    for (const { accepted } of clients) void paced.secure(accepted, policy);
    const counts: number[] = [];
    while (paced.begun.length < clients.length) {
      await nextTurn();
      counts.push(paced.begun.length);
    }
    expect(Math.max(...counts.map((count, turn) => count - (counts[turn - 1] ?? 0)))).toBe(perTurn);
    expect(paced.begun).toEqual(clients.map(({ accepted }) => accepted));
  });

  it('tells how long the first has waited whose hello is there', async () => {
    const paced = new Paced();
    await paced.fill();
    const { accepted, connected } = await connect();
    connected.write('hello');
    await once(accepted, 'readable');
    void paced.secure(accepted, policy);
    await Promise.resolve();
    paced.nowMs = 700;
    expect(paced.pace.waitingMs).toBe(700);
    await vi.waitUntil(() => paced.begun.length > 0);
    expect(paced.pace.waitingMs).toBe(0);
  });

  it.each([
    ['closes its side', ({ connected }: SocketPair) => connected.end()],
    ['resets', ({ connected }: SocketPair) => connected.resetAndDestroy()],
    ['is cut', ({ accepted }: SocketPair) => accepted.destroy()],
  ])('is done with a client that %s while it is waited for', async (_what, leave) => {
    const paced = new Paced();
    await paced.fill();
    const pair = await connect();
    const handshake = paced.secure(pair.accepted, policy);
    leave(pair);
    expect(await handshake).toMatchObject({ kind: 'failed', isPlaintext: false });
    expect(paced.begun).toEqual([]);
    expect(['readable', 'end', 'close'].map((event) => pair.accepted.listenerCount(event))).toEqual([
      0,
      expect.any(Number),
      0,
    ]);
  });
});
