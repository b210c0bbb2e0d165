/** A child process: a relay that makes the way to a server longer, in both directions, without making it narrower. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { answerRequests } from './worker.ts';

/** What it is started with. */
export interface DelayRelaySetup {
  /** Of the server behind it, on 127.0.0.1. */
  readonly port: number;
  /** How long each octet takes, in each direction; a connection takes twice as long to be made. */
  readonly oneWayMs: number;
}

/** What may be on the way, of one connection and direction. */
const maxOctetsUnderWay = 8 * 2 ** 20;

answerRequests<DelayRelaySetup, number>(async ({ port, oneWayMs }) => {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true });
    const acceptedAtMs = performance.now();
    // The kernel has answered the client's SYN at once: what a round trip would have taken is made good by its first octets.
    delayOctets(client, { to: upstream, oneWayMs, notBeforeMs: acceptedAtMs + 2 * oneWayMs });
    delayOctets(upstream, { to: client, oneWayMs, notBeforeMs: acceptedAtMs + oneWayMs });
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Cannot listen: there is no port');
  return address.port;
});

interface Way {
  readonly to: Socket;
  readonly oneWayMs: number;
  /** When the first octet may set out, by the process's clock. */
  readonly notBeforeMs: number;
}

/** What is read goes on later, in its order. */
function delayOctets(from: Socket, { to, oneWayMs, notBeforeMs }: Way): void {
  let underWay = 0;
  const later = createDelay({ oneWayMs, notBeforeMs });
  from.on('data', (chunk: Buffer) => {
    underWay += chunk.length;
    if (underWay > maxOctetsUnderWay) from.pause();
    later(() => {
      if (!to.destroyed) to.write(chunk);
      underWay -= chunk.length;
      if (underWay <= maxOctetsUnderWay) from.resume();
    });
  });
  from.on('end', () => later(() => to.end()));
  from.on('error', () => later(() => to.destroy()));
  from.on('close', () => later(() => to.destroySoon()));
}

/** One timer for all that waits: several would end in another order where they differ by less than a millisecond. */
function createDelay({ oneWayMs, notBeforeMs }: Omit<Way, 'to'>): (act: () => void) => void {
  const waiting: { readonly dueMs: number; readonly act: () => void }[] = [];
  const actOnDue = (): void => {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const leftMs = next.dueMs - performance.now();
      if (leftMs > 0) {
        setTimeout(actOnDue, Math.ceil(leftMs));
        return;
      }
      waiting.shift();
      next.act();
    }
  };
  return (act) => {
    waiting.push({ dueMs: Math.max(performance.now(), notBeforeMs) + oneWayMs, act });
    if (waiting.length === 1) setTimeout(actOnDue, oneWayMs);
  };
}
