import type { TLSSocket } from 'node:tls';
import type { TlsFacts } from '../proxy/events.ts';

/** What a finished handshake agreed on. */
export function describeTls(socket: TLSSocket): TlsFacts {
  const keyExchange = keyExchangeGroup(socket);
  return {
    version: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher()?.name ?? 'unknown',
    ...(keyExchange === undefined ? {} : { keyExchange }),
    isResumed: socket.isSessionReused(),
  };
}

function keyExchangeGroup(socket: TLSSocket): string | undefined {
  const info = socket.getEphemeralKeyInfo();
  return info !== null && 'name' in info && typeof info.name === 'string' ? info.name : undefined;
}
