import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { ListeningSockets } from '../../src/commands/listening-sockets.ts';
import type { ListenerConfig } from '../../src/config/config.ts';
import { ListenError } from '../../src/net/listener.ts';
import { OwnEndpoints } from '../../src/net/own-endpoints.ts';
import { noNetworks } from '../../src/policy/networks.ts';

const times = { loginTimeoutMs: 1_000, idleTimeoutMs: 2_000 };
const toClose: Disposable[] = [];

afterEach(() => {
  for (const each of toClose.splice(0)) each[Symbol.dispose]();
});

function listener(name: string, change: Partial<ListenerConfig> = {}): ListenerConfig {
  return {
    name,
    host: '127.0.0.1',
    port: 0,
    tls: 'starttls',
    plaintextFrom: noNetworks,
    tlsProfile: 'modern',
    ...change,
  };
}

/** Sockets, and which listener took each connection, in order. */
function makeSockets() {
  const accepted: { readonly name: string; readonly idleTimeoutMs: number }[] = [];
  const ownEndpoints = new OwnEndpoints();
  const sockets = new ListeningSockets({
    accept: (socket, { name, policy }) => {
      accepted.push({ name, idleTimeoutMs: policy.idleTimeoutMs });
      toClose.push({ [Symbol.dispose]: () => socket.destroy() });
    },
    ownEndpoints,
  });
  toClose.push({ [Symbol.dispose]: () => sockets.close() });
  const change = async (listeners: readonly ListenerConfig[]) => (await sockets.prepare(listeners, times)).apply();
  const portOf = (name: string): number => sockets.list().find((open) => open.name === name)?.port ?? 0;
  return { sockets, accepted, ownEndpoints, change, portOf };
}

/** A port that is known to be free at one address of this machine is free at another, too. */
function elsewhere(port: number) {
  return { host: '127.0.0.3', port };
}

async function connectTo(port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ host, port });
  toClose.push({ [Symbol.dispose]: () => socket.destroy() });
  await once(socket, 'connect');
  return socket;
}

describe('ListeningSockets', () => {
  it('keeps the socket of an address, whatever its listener is called', async () => {
    const { change, portOf, accepted } = makeSockets();
    await change([listener('lan')]);
    const port = portOf('lan');
    await change([listener('lan'), listener('wan', { tls: 'implicit' })]);
    expect(portOf('lan')).toBe(port);

    await change([listener('lan'), listener('before', elsewhere(port))]);
    await change([listener('lan'), listener('after', elsewhere(port))]);
    await connectTo(port, elsewhere(port).host);
    await expect.poll(() => accepted).toMatchObject([{ name: 'after', idleTimeoutMs: 2_000 }]);
  });

  it('opens the new address before it closes the old one, and knows its own', async () => {
    const { sockets, change, portOf, ownEndpoints } = makeSockets();
    await change([listener('lan')]);
    const old = portOf('lan');
    const isOwn = (address: string, port: number) =>
      ownEndpoints.has({ remoteAddress: address, remotePort: port, localAddress: '192.0.2.1' });

    const preparation = await sockets.prepare([listener('lan', { host: '127.0.0.2' })], times);
    await connectTo(old);
    preparation.apply();

    expect(portOf('lan')).not.toBe(old);
    await expect(connectTo(old)).rejects.toThrow('ECONNREFUSED');
    expect(isOwn('127.0.0.1', old)).toBe(false);
    expect(isOwn('127.0.0.2', portOf('lan'))).toBe(true);
  });

  it('lets those wait who connect before a change is made, and closes them where it is not', async () => {
    const { sockets, accepted, change, portOf } = makeSockets();
    await change([listener('lan')]);
    const wan = elsewhere(portOf('lan'));

    const abandoned = await sockets.prepare([listener('lan'), listener('wan', wan)], times);
    const early = await connectTo(wan.port, wan.host);
    abandoned.abandon();
    await once(early, 'close');
    expect(accepted).toEqual([]);

    const made = await sockets.prepare([listener('lan'), listener('wan', wan)], times);
    await connectTo(wan.port, wan.host);
    expect(accepted).toEqual([]);
    made.apply();
    await expect.poll(() => accepted).toMatchObject([{ name: 'wan' }]);
  });

  it('forgets who left before a change was made, even with an error', async () => {
    const { sockets, accepted, change, portOf } = makeSockets();
    await change([listener('lan')]);
    const wan = elsewhere(portOf('lan'));
    const made = await sockets.prepare([listener('lan'), listener('wan', wan)], times);

    (await connectTo(wan.port, wan.host)).resetAndDestroy();
    const later = await connectTo(wan.port, wan.host);
    // What is answered comes behind the reset, which is seen by then.
    await setImmediate();
    await setImmediate();
    made.apply();

    await expect.poll(() => accepted).toMatchObject([{ name: 'wan' }]);
    expect(later.destroyed).toBe(false);
  });

  it('says that an address and all addresses of one port do not go together', async () => {
    const { sockets, change, portOf } = makeSockets();
    await change([listener('all', { host: '0.0.0.0' })]);
    const port = portOf('all');

    const refused = await sockets.prepare([listener('one', { port })], times).catch((error: unknown) => error);

    expect(refused).toBeInstanceOf(ListenError);
    expect(refused).toMatchObject({
      listener: 'one',
      message: `Cannot listen on 127.0.0.1:${port} (one): "all" of this Postern has the port until then; restart Postern for this change`,
    });
    await connectTo(port);
  });
});
