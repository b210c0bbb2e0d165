import type { TlsFacts } from '../../proxy/events.ts';
import type { LiveSession } from '../../telemetry/live-sessions.ts';
import { isoTime, isoTimeOrNull } from './paging.ts';

/** A session as the API shows it. */
export function viewSession(session: LiveSession) {
  const { id, listener, address, port, transport, state, account, upstream, clientTls, upstreamTls, traffic } = session;
  return {
    id,
    listener,
    address,
    port,
    proxySource: session.proxySource ?? null,
    correlationId: session.correlationId ?? null,
    transport,
    state,
    account: account ?? null,
    upstream: upstream ?? null,
    openedAt: isoTime(session.openedAtMs),
    relayingSince: isoTimeOrNull(session.relayingSinceMs),
    clientTls: clientTls ? viewTls(clientTls) : null,
    clientCertificate: viewCertificate(session.clientCertificate),
    upstreamTls: upstreamTls ? viewTls(upstreamTls) : null,
    octetsToUpstream: traffic.toUpstream,
    octetsToClient: traffic.toClient,
  };
}

function viewTls({ version, cipher, keyExchange, isResumed }: TlsFacts) {
  return { version, cipher, keyExchange: keyExchange ?? null, isResumed };
}

function viewCertificate(certificate: LiveSession['clientCertificate']) {
  return certificate ? { subject: certificate.subject, fingerprint: certificate.fingerprint } : null;
}
