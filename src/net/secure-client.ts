import { TLSSocket } from 'node:tls';
import type { SecureClient } from '../proxy/ports.ts';
import type { ServerCertificates } from './server-certificates.ts';
import { describeTls } from './tls-facts.ts';

/** Makes the server's side of handshakes with these certificates. How long one may take is the session's to say. */
export function createSecureClient(certificates: ServerCertificates): SecureClient {
  const choice = certificates.isChoice
    ? { SNICallback: (name: string, done: SniDone) => done(null, certificates.contextFor(name)) }
    : {};

  return (raw) => {
    const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<SecureClient>>>();
    const socket = new TLSSocket(raw, { isServer: true, secureContext: certificates.defaultContext, ...choice });
    const onClose = () => reject(new Error('The client closed the connection during the handshake'));
    // Node hides errors of a server-side socket that has no tls.Server behind this event, those after the handshake too.
    socket.on('_tlsError', (error: Error) => {
      reject(error);
      socket.destroy(error);
    });
    socket.once('error', reject);
    socket.once('close', onClose);
    // Listeners allow half-open connections; half a handshake is none, and nothing else would end it.
    socket.once('end', onClose);
    socket.once('secure', () => {
      socket.off('error', reject);
      socket.off('close', onClose);
      socket.off('end', onClose);
      resolve({ socket, tls: describeTls(socket) });
    });
    return promise;
  };
}

type SniDone = (error: Error | null, context?: ReturnType<ServerCertificates['contextFor']>) => void;
