import type { Socket } from 'node:net';
import type { ProxiedClient, ReadProxyHeader } from '../../proxy/ports.ts';
import type { ProxyHeader } from './header.ts';
import { ProxyHeaderReader } from './header-reader.ts';

/** A balancer sends its header with its first segment (PROXY protocol §2): time for a segment or two to be sent again. */
const headerTimeoutMs = 5_000;

/** Makes the reader of headers. A peer that sends none within `timeoutMs` is refused. */
export function createProxyHeaderReader({ timeoutMs = headerTimeoutMs } = {}): ReadProxyHeader {
  return (socket) => readProxyHeader(socket, timeoutMs);
}

/**
 * Reads the header that a connection begins with. Octets behind it are put back, for whoever reads next: a session, or a
 * TLS socket, which takes what its underlying socket has buffered before it reads on.
 */
function readProxyHeader(socket: Socket, timeoutMs: number): ReturnType<ReadProxyHeader> {
  const { promise, resolve } = Promise.withResolvers<Awaited<ReturnType<ReadProxyHeader>>>();
  const reader = new ProxyHeaderReader();
  let isSilent = true;
  const settle = (reading: Awaited<ReturnType<ReadProxyHeader>>): void => {
    clearTimeout(timer);
    socket.off('readable', onReadable);
    socket.off('end', onEnd);
    socket.off('error', onEnd);
    socket.off('close', onEnd);
    resolve(reading);
  };
  // Not `data`: a flowing socket would have to be stopped, and started again by whoever reads next.
  const onReadable = (): void => {
    const chunk: Uint8Array | null = socket.read();
    if (chunk === null) return;
    isSilent = false;
    const verdict = reader.push(chunk);
    if (verdict.kind === 'incomplete') return;
    if (verdict.kind === 'invalid') {
      settle({ kind: 'refused', detail: `The PROXY header ${verdict.reason}` });
      return;
    }
    if (reader.rest.length > 0) socket.unshift(reader.rest);
    settle({ kind: 'header', client: toClient(verdict.header) });
  };
  const onEnd = (): void =>
    settle(isSilent ? { kind: 'gone' } : { kind: 'refused', detail: 'The PROXY header is cut short' });
  const onTimeout = (): void =>
    settle({ kind: 'refused', detail: `No ${isSilent ? '' : 'whole '}PROXY header within ${timeoutMs / 1000} s` });

  const timer = setTimeout(onTimeout, timeoutMs);
  socket.on('readable', onReadable);
  socket.once('end', onEnd);
  socket.once('error', onEnd);
  socket.once('close', onEnd);
  return promise;
}

function toClient({ addresses, uniqueId, ssl }: ProxyHeader): ProxiedClient {
  return {
    ...(addresses === undefined ? {} : addresses),
    ...(uniqueId === undefined ? {} : { correlationId: uniqueId }),
    ...(ssl?.isTls
      ? { tls: { version: ssl.version ?? 'unknown', cipher: ssl.cipher ?? 'unknown', isResumed: false } }
      : {}),
  };
}
