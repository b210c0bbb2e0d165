import type { TLSSocket } from 'node:tls';
import type { TlsFacts } from '../proxy/events.ts';

/** What a finished handshake agreed on. */
export function describeTls(socket: TLSSocket): TlsFacts {
  return {
    version: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher()?.name ?? 'unknown',
    isResumed: socket.isSessionReused(),
  };
}
