import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { portOf } from '../proxy/peer.ts';

/** How long connections take on it: more than Postern thinks nothing of. */
const delayMs = 40;

/** Relays to a port of 127.0.0.1, as from far away: each connection takes a while to be made. */
export async function startLongRoad(port: number): Promise<{ readonly port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const target = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    for (const [one, other] of [
      [client, target],
      [target, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.resetAndDestroy());
      one.once('close', () => {
        sockets.delete(one);
        other.destroySoon();
      });
    }
    const timer = setTimeout(() => client.pipe(target).pipe(client), delayMs);
    client.once('close', () => clearTimeout(timer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: portOf(server),
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
