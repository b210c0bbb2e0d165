import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ListenError, type Listener, type ListenOptions, listen } from '../../src/net/listener.ts';

const listeners: Listener[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const listener of listeners.splice(0)) await listener.close();
});

async function open(options: Partial<ListenOptions> = {}): Promise<Listener> {
  const listener = await listen({
    name: 'lan',
    host: '127.0.0.1',
    port: 0,
    onConnection: (socket) => sockets.push(socket),
    ...options,
  });
  listeners.push(listener);
  return listener;
}

function join({ port }: Listener, host: string): Socket {
  const socket = connect({ port, host });
  sockets.push(socket);
  return socket;
}

async function refusalOf(options: Partial<ListenOptions>): Promise<Error> {
  const refused: unknown = await open(options).catch((error: unknown) => error);
  if (!(refused instanceof ListenError)) throw new Error('Cannot see the refusal: there was none');
  expect(refused.code).toBe('LISTEN');
  expect(refused.cause).toBeInstanceOf(Error);
  return refused;
}

describe('listen', () => {
  it.each(['127.0.0.1', '::1'])('takes connections at %s, and says which port it got', async (host) => {
    const accepted = Promise.withResolvers<Socket>();
    const listener = await open({ host, onConnection: accepted.resolve });
    expect(listener).toMatchObject({ name: 'lan', host });
    expect(listener.port).toBeGreaterThan(0);
    const client = join(listener, host);
    const socket = await accepted.promise;
    sockets.push(socket);
    expect(socket.remoteAddress).toBe(host);
    expect(socket.remotePort).toBe(client.localPort);
    expect(socket.bytesRead).toBe(0);
  });

  it('gives sockets that outlive the end of their client’s sending side', async () => {
    const accepted = Promise.withResolvers<Socket>();
    const client = join(await open({ onConnection: accepted.resolve }), '127.0.0.1');
    client.end('QUIT\r\n');
    const socket = await accepted.promise;
    sockets.push(socket);
    socket.resume();
    await once(socket, 'end');
    socket.end('+OK\r\n');
    const [reply] = await once(client, 'data');
    expect(String(reply)).toBe('+OK\r\n');
  });

  it('takes "::" for IPv6 alone, so that "0.0.0.0" can stand beside it on the same port', async () => {
    const ipv6 = await open({ host: '::' });
    const ipv4 = await open({ host: '0.0.0.0', port: ipv6.port });
    expect(ipv4.port).toBe(ipv6.port);
  });

  it('stops taking connections when it is closed, and lets those go on that it has', async () => {
    const accepted = Promise.withResolvers<Socket>();
    const listener = await open({ onConnection: accepted.resolve });
    const client = join(listener, '127.0.0.1');
    const socket = await accepted.promise;
    sockets.push(socket);
    const closed = listener.close();
    await expect(once(join(listener, '127.0.0.1'), 'connect')).rejects.toThrow('ECONNREFUSED');
    socket.write('+OK\r\n');
    const [greeting] = await once(client, 'data');
    expect(String(greeting)).toBe('+OK\r\n');
    socket.destroy();
    await closed;
  });

  it.each([
    { host: '127.0.0.1', place: '127.0.0.1' },
    { host: '::1', place: '[::1]' },
  ])('says that the port of $place is in use', async ({ host, place }) => {
    const { port } = await open({ host });
    expect((await refusalOf({ host, port })).message).toBe(
      `Cannot listen on ${place}:${port} (lan): another program uses this port; stop it or choose another port`,
    );
  });

  it('says that this machine has no such address', async () => {
    // RFC 5737 §3: an address for documentation, which no machine has.
    expect((await refusalOf({ host: '192.0.2.1', port: 0 })).message).toBe(
      'Cannot listen on 192.0.2.1:0 (lan): this machine has no such address',
    );
  });
});
