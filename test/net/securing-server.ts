import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createSecureClient } from '../../src/net/secure-client.ts';
import type { ServerCertificates } from '../../src/net/server-certificates.ts';
import type { ClientTlsPolicy } from '../../src/policy/transport.ts';
import type { ClientHandshake } from '../../src/proxy/ports.ts';
import { portOf } from '../proxy/peer.ts';

/** A server that secures each connection, greets it with a line, echoes what comes, and closes behind `bye`. */
export interface SecuringServer extends AsyncDisposable {
  readonly port: number;
  /** How each handshake ended, the oldest first. */
  readonly handshakes: readonly Promise<ClientHandshake>[];
  /** The end of the newest handshake. */
  last(): Promise<ClientHandshake>;
}

/** Starts one on a free port of 127.0.0.1. */
export async function startSecuringServer(
  certificates: ServerCertificates,
  policy: ClientTlsPolicy,
): Promise<SecuringServer> {
  const secureClient = createSecureClient(certificates);
  const handshakes: Promise<ClientHandshake>[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (raw) => {
    sockets.add(raw);
    raw.on('close', () => sockets.delete(raw));
    const handshake = secureClient(raw, policy);
    handshakes.push(handshake);
    void handshake.then((ended) => {
      if (ended.kind === 'failed') return raw.destroy();
      ended.socket
        .on('error', () => {})
        .on('data', (chunk: Buffer) => {
          ended.socket.write(chunk);
          if (chunk.includes('bye')) ended.socket.end();
        });
      return ended.socket.write('+OK\r\n');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: portOf(server),
    handshakes,
    last: async () => {
      const handshake = handshakes.at(-1);
      if (handshake === undefined) throw new Error('Cannot tell how it ended: there was no handshake');
      return handshake;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
