import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, vi } from 'vitest';
import type { Entrance } from '../../src/proxy/entrance.ts';
import { Gate, type GateLimits, type GateListener } from '../../src/proxy/gate.ts';
import { Peer, portOf } from './peer.ts';
import { createFakePorts, type FakePorts, policies } from './session-under-test.ts';

/** A gate behind a real listener. */
export interface GateUnderTest extends FakePorts {
  readonly gate: Gate;
  /** The gate's ends of all connections. */
  readonly accepted: readonly Socket[];
  /** Connects a client; it is the gate's by then. */
  connect(from?: string): Promise<Peer>;
}

const servers: Server[] = [];
const clients: Peer[] = [];

/** Has each test of a file begin with a clock of its own, and closes what it opened. */
export function useGates(): void {
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
}

/** Opens a gate behind a listener of its own. */
export async function openGate(
  limits: Partial<GateLimits> = {},
  {
    transport = 'plaintext',
    host = '127.0.0.1',
    addressOf,
    entrance,
  }: {
    transport?: keyof typeof policies;
    host?: string;
    addressOf?: (index: number) => string;
    entrance?: Entrance;
  } = {},
): Promise<GateUnderTest> {
  const fakes = createFakePorts();
  const gate = new Gate({
    limits: { maxTotal: 100, maxPerAddress: 100, maxHeldReplies: 100, ...limits },
    ports: fakes.ports,
    idPrefix: 'p',
    ...(entrance && { entrance }),
  });
  const listener: GateListener = { name: 'lan', policy: policies[transport] };
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    // Loopback has one IPv6 address only.
    if (addressOf !== undefined) Object.defineProperty(socket, 'remoteAddress', { value: addressOf(sockets.length) });
    gate.accept(socket, listener);
  });
  servers.push(server);
  server.listen(0, host);
  await once(server, 'listening');
  return {
    ...fakes,
    gate,
    accepted: sockets,
    connect: async (from) => {
      const socket = connect({ host: '127.0.0.1', port: portOf(server), ...(from && { localAddress: from }) });
      const client = new Peer(socket);
      clients.push(client);
      await Promise.all([once(socket, 'connect'), once(server, 'connection')]);
      return client;
    },
  };
}

/** The sessions that ended so far, each with its reason. */
export function closedSessions({ recorder }: GateUnderTest): readonly string[] {
  return recorder.of('sessionClosed').map(({ sessionId, reason }) => `${sessionId} ${reason}`);
}

/** Has a client leave by QUIT, and waits until its session has ended. */
export async function leave(tested: GateUnderTest, client: Peer): Promise<void> {
  const before = tested.recorder.of('sessionClosed').length;
  client.send('QUIT\r\n');
  await client.rest();
  await vi.waitUntil(() => tested.recorder.of('sessionClosed').length > before);
}
