import type { ClientInfo } from '../proxy/ports.ts';
import { encodeLocalHeader, encodeProxyHeader } from './proxy-protocol/encode.ts';

/** Proxies that a login may still pass. Dovecot's count down from here and refuse at 1, which ends any loop among them. */
const timeToLive = 7;

/** The arguments of XCLIENT, by which Dovecot takes the client's address and session for its own log, limits and policy. */
export function xclientArguments({ source, sessionId }: ClientInfo): string {
  // A zone says something on this machine alone.
  const [address = ''] = source.address.split('%');
  return `ADDR=${address} PORT=${source.port} SESSION=${sessionId} TTL=${timeToLive}`;
}

/** The PROXY header that a connection begins with; without a client the connection is Postern's own. */
export function proxyHeaderFor(client: ClientInfo | undefined): Uint8Array {
  if (client === undefined) return encodeLocalHeader();
  const { source, destination, sessionId, tls } = client;
  return encodeProxyHeader({ source, destination, uniqueId: sessionId, ...(tls === undefined ? {} : { tls }) });
}
