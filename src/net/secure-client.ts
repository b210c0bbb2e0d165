import type { Socket } from 'node:net';
import type { SecureClient } from '../proxy/ports.ts';
import { gone } from './client-handshake.ts';
import { type ClientHello, readClientHello } from './client-hello.ts';
import type { ServerCertificates } from './server-certificates.ts';

/** Makes the server's side of handshakes with these certificates. How long one may take is the session's to say. */
export function createSecureClient(certificates: ServerCertificates): SecureClient {
  return async (raw, policy) => {
    // It would tell nothing more.
    if (raw.destroyed) return gone;
    const startedAtMs = performance.now();
    const hello = certificates.isChoice ? await peekHello(raw) : undefined;
    // Half a hello, and nobody left to send the rest.
    if (hello?.kind === 'incomplete') return gone;
    const handshake = await certificates.handshakeFor(policy, hello?.serverName)(raw);
    return handshake.kind === 'secured' ? { ...handshake, durationMs: performance.now() - startedAtMs } : handshake;
  };
}

/**
 * Reads the hello with the name that the client asks for, and puts it back. The runtimes' own callback for the name will
 * not do: of the context that it names, Node uses a single certificate.
 */
async function peekHello(raw: Socket): Promise<ClientHello> {
  const { promise, resolve } = Promise.withResolvers<ClientHello>();
  let octets: Buffer = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    octets = octets.length === 0 ? chunk : Buffer.concat([octets, chunk]);
    const hello = readClientHello(octets);
    if (hello.kind === 'incomplete') return;
    raw.off('data', onData);
    raw.pause();
    raw.unshift(octets);
    resolve(hello);
  };
  const onGone = (): void => resolve({ kind: 'incomplete' });
  const endings = ['end', 'error', 'close'] as const;
  raw.on('data', onData);
  for (const ending of endings) raw.on(ending, onGone);
  const hello = await promise;
  raw.off('data', onData);
  for (const ending of endings) raw.off(ending, onGone);
  return hello;
}
