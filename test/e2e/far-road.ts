import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { portOf } from '../proxy/peer.ts';

interface Parcel {
  readonly octets: Buffer | undefined;
  readonly dueAtMs: number;
}

/** Passes octets of one socket on to another, each a while after it came; those that come meanwhile do not wait for it. */
function passOnLater(from: Socket, { to, delayMs, firstMs }: { to: Socket; delayMs: number; firstMs: number }): void {
  const parcels: Parcel[] = [];
  const openedAtMs = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const passOn = (): void => {
    timer = undefined;
    for (let [first] = parcels; first !== undefined && first.dueAtMs <= performance.now(); [first] = parcels) {
      parcels.shift();
      if (first.octets === undefined) to.end();
      else if (to.writable) to.write(first.octets);
    }
    const [next] = parcels;
    if (next !== undefined) timer = setTimeout(passOn, Math.max(0, next.dueAtMs - performance.now()));
  };
  const add = (octets?: Buffer): void => {
    parcels.push({ octets, dueAtMs: Math.max(performance.now(), openedAtMs + firstMs) + delayMs });
    timer ??= setTimeout(passOn, delayMs);
  };
  from.on('data', add);
  from.on('end', () => add());
  from.once('close', () => to.closed && clearTimeout(timer));
}

/**
 * Relays to a port of 127.0.0.1, as from far away: every octet takes half of `roundTripMs` each way, and making a connection
 * takes a whole one, which a client notices with its first octets.
 */
export async function startFarRoad(
  port: number,
  { roundTripMs }: { readonly roundTripMs: number },
): Promise<{ readonly port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const delayMs = roundTripMs / 2;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const target = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    passOnLater(client, { to: target, delayMs, firstMs: roundTripMs });
    passOnLater(target, { to: client, delayMs, firstMs: 0 });
    for (const [one, other] of [
      [client, target],
      [target, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.once('close', () => {
        sockets.delete(one);
        if (one.errored) other.destroy();
      });
    }
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
