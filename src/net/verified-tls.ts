import { isIP, type OnReadOpts } from 'node:net';
import { type ConnectionOptions, checkServerIdentity, connect, type TLSSocket } from 'node:tls';
import type { Upstream } from '../policy/upstream.ts';
import { checkPins } from './peer-chain.ts';
import { ReusedReads } from './reused-reads.ts';
import type { UpstreamMemory } from './upstream-memory.ts';

/** Whom a handshake is made with. */
export interface HandshakeOptions {
  readonly upstream: Upstream;
  readonly memory: UpstreamMemory;
  /** The handshake is done, the certificate not yet judged. */
  readonly onHandshake?: (socket: TLSSocket) => void;
}

/**
 * Begins a handshake that fails unless the certificate is valid, from a trusted authority, for the server's name, and of a
 * pinned key where there are pins. A resumed session was verified so by the connection that it comes from.
 */
export function startVerifiedTls(
  transport: ConnectionOptions,
  { upstream, memory, onHandshake }: HandshakeOptions,
): TLSSocket {
  const { serverName, pins } = upstream;
  const session = memory.session;
  const reads = new ReusedReads();
  const options: ConnectionOptions & { readonly onread: OnReadOpts } = {
    ...transport,
    onread: reads.onread,
    secureContext: memory.secureContext,
    // An address is no name to send (RFC 6066 §3), but the certificate must carry it all the same.
    ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
    checkServerIdentity: (_host, certificate) =>
      checkServerIdentity(serverName, certificate) ?? (pins && checkPins(socket.getPeerCertificate(true), pins)),
    ...(session === undefined ? {} : { session }),
  };
  const socket: TLSSocket = connect(options);
  reads.belongTo(socket);
  if (onHandshake !== undefined) socket.prependListener('secure', () => onHandshake(socket));
  socket.on('session', (ticket) => memory.keepSession(ticket, socket.isSessionReused()));
  return socket;
}
