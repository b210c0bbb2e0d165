import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { connect, createSecureContext, TLSSocket } from 'node:tls';
import type { DemoPostern, StartPostern } from '../../../src/commands/demo/stage.ts';
import { createAuthority } from '../../../src/net/certificate-authority.ts';

/** A fake Postern and what can be seen of it. */
export interface RelayingPostern {
  readonly start: StartPostern;
  /** Connections it took so far; also what its metrics say. */
  connections: number;
  isDisposed: boolean;
  /** Hears what clients send, decrypted. */
  onClientOctets: (octets: string) => void;
}

/** A stand-in for Postern: answers STLS itself and otherwise relays octets to the upstream over verified TLS. */
export function createRelayingPostern(overrides: Partial<DemoPostern> = {}): RelayingPostern {
  const postern: RelayingPostern = {
    connections: 0,
    isDisposed: false,
    onClientOctets: () => {},
    start: async ({ upstream }) => {
      const authority = await createAuthority({ name: 'Listener authority' });
      const secureContext = createSecureContext(await authority.issue({ names: ['127.0.0.1'] }));
      const sockets: Socket[] = [];
      const server = createServer((client) => {
        postern.connections += 1;
        const { host, port, serverName: servername, ca } = upstream;
        const toUpstream = connect({ host, port, servername, ...(ca === undefined ? {} : { ca }) });
        sockets.push(client, toUpstream);
        const relay = (from: Socket): void => {
          const onData = (chunk: Buffer): void => {
            if (chunk.toString() === 'STLS\r\n') {
              from.off('data', onData);
              toUpstream.removeAllListeners('data');
              from.write('+OK Begin TLS\r\n');
              relay(new TLSSocket(from, { isServer: true, secureContext }));
              return;
            }
            postern.onClientOctets(chunk.toString('latin1'));
            toUpstream.write(chunk);
          };
          from.on('data', onData);
          from.on('error', () => toUpstream.destroy());
          from.on('end', () => toUpstream.end());
          toUpstream.on('data', (chunk) => from.write(chunk));
          toUpstream.on('error', () => from.destroy());
          toUpstream.on('end', () => from.end());
        };
        relay(client);
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('unreachable');
      return {
        listeners: [{ name: 'lan', host: '127.0.0.1', port: address.port, tls: 'starttls' }],
        adminUrl: 'http://127.0.0.1:9110',
        adminToken: 'token-of-the-day',
        certificate: authority.certificate,
        metrics: async () => `# HELP x\npostern_connections_total{listener="lan"} ${postern.connections}\n`,
        ...overrides,
        [Symbol.asyncDispose]: async () => {
          postern.isDisposed = true;
          for (const socket of sockets) socket.destroy();
          server.close();
          await once(server, 'close');
        },
      };
    },
  };
  return postern;
}
