import { createHash, type X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { createSecureContext, createServer, type SecureContextOptions, TLSSocket } from 'node:tls';
import type { ClientIdentity } from '../policy/client-certificate.ts';
import type { ClientCertificatePolicy } from '../policy/transport.ts';
import type { ClientHandshake } from '../proxy/ports.ts';
import { describeTls } from './tls-facts.ts';

/** Makes the server's side of one handshake. Never rejects; a socket whose handshake fails is the caller's to destroy. */
export type Handshake = (raw: Socket) => Promise<ClientHandshake>;

/** RFC 7301: a client that offers other protocols alone is refused, one that offers none is welcome. */
const protocols = { ALPNProtocols: ['pop3'] };
/** The session has a shorter deadline of its own; this one only must not come first. */
const handshakeTimeoutMs = 3_600_000;

/** Prepares handshakes with these certificates, which may ask for a client's. Throws where OpenSSL does not take them. */
export function openHandshake(
  options: SecureContextOptions,
  clientCertificates: ClientCertificatePolicy | undefined,
): Handshake {
  return clientCertificates === undefined
    ? openAnonymous(options)
    : openAuthenticating(options, clientCertificates.mode);
}

function openAnonymous(options: SecureContextOptions): Handshake {
  const secureContext = createSecureContext(options);
  return (raw) => {
    const { promise, resolve } = Promise.withResolvers<ClientHandshake>();
    // On Deno a socket left flowing may still read the client's hello, and drop it.
    raw.pause();
    const socket = new TLSSocket(raw, { isServer: true, secureContext, ...protocols });
    const onError = (error: Error) => resolve(failed(error));
    const onGone = () => resolve(gone);
    // Node hides errors of a server-side socket that has no tls.Server behind this event, those after the handshake too.
    socket.on('_tlsError', (error: Error) => {
      onError(error);
      socket.destroy(error);
    });
    socket.once('error', onError);
    socket.once('close', onGone);
    // Listeners allow half-open connections; half a handshake is none, and nothing else would end it.
    socket.once('end', onGone);
    socket.once('secure', () => {
      socket.off('error', onError);
      socket.off('close', onGone);
      socket.off('end', onGone);
      resolve({ kind: 'secured', socket, tls: describeTls(socket) });
    });
    return promise;
  };
}

/** Only a tls.Server tells on both runtimes whether a client's certificate can be trusted; connections are handed to it. */
function openAuthenticating(options: SecureContextOptions, mode: ClientCertificatePolicy['mode']): Handshake {
  const waiting = new WeakMap<object, (handshake: ClientHandshake) => void>();
  const settle = (socket: TLSSocket, handshake: ClientHandshake): void => {
    const raw: unknown = Reflect.get(socket, '_parent');
    if (typeof raw === 'object' && raw !== null) waiting.get(raw)?.(handshake);
  };
  const server = createServer({
    ...options,
    ...protocols,
    requestCert: true,
    rejectUnauthorized: mode === 'require',
    handshakeTimeout: handshakeTimeoutMs,
  });
  server.on('secureConnection', (socket) => {
    socket.allowHalfOpen = true;
    // Behind the handshake the server only tells of an error.
    socket.on('error', () => socket.destroy());
    settle(socket, authenticated(socket, mode));
  });
  server.on('tlsClientError', (error, socket) => settle(socket, failed(error, problemOf(socket))));

  return (raw) => {
    const { promise, resolve } = Promise.withResolvers<ClientHandshake>();
    waiting.set(raw, resolve);
    raw.once('error', (error: Error) => resolve(failed(error)));
    // Behind the server's own word on why it closed the connection.
    raw.once('close', () => setImmediate(() => resolve(gone)));
    raw.pause();
    // Half a handshake is no half-open connection: its end closes it, which tls.Server then tells.
    raw.allowHalfOpen = false;
    server.emit('connection', raw);
    return promise;
  };
}

function authenticated(socket: TLSSocket, mode: ClientCertificatePolicy['mode']): ClientHandshake {
  const certificate = socket.getPeerX509Certificate();
  // Asked here as well: a resumed session is never verified again, and Deno resumes those of other listeners.
  if (socket.authorized && certificate !== undefined) {
    return { kind: 'secured', socket, tls: describeTls(socket), certificate: identify(certificate) };
  }
  const problem = certificate === undefined ? undefined : (problemOf(socket) ?? 'it cannot be verified');
  if (mode === 'require') {
    socket.destroy();
    return failed(new Error('The client sent no certificate'), problem);
  }
  return {
    kind: 'secured',
    socket,
    tls: describeTls(socket),
    ...(problem === undefined ? {} : { ignoredCertificate: `${subjectOf(certificate)}: ${problem}` }),
  };
}

function problemOf({ authorizationError }: TLSSocket): string | undefined {
  const problem: unknown = authorizationError;
  return problem instanceof Error ? problem.message : typeof problem === 'string' ? problem : undefined;
}

/** Who a client is by its certificate. */
function identify(certificate: X509Certificate): ClientIdentity {
  const commonNames = partsOf(certificate).filter((part) => part.startsWith('CN='));
  const [only, ...others] = commonNames;
  return {
    subject: subjectOf(certificate),
    ...(only === undefined || others.length > 0 ? {} : { commonName: only.slice('CN='.length) }),
    fingerprint: createHash('sha256').update(certificate.raw).digest('hex'),
  };
}

function subjectOf(certificate: X509Certificate | undefined): string {
  return certificate === undefined ? '' : partsOf(certificate).join(', ');
}

/** The runtimes put each attribute on a line, and escape line breaks within. */
function partsOf({ subject }: X509Certificate): readonly string[] {
  return (subject ?? '').split('\n').filter((part) => part !== '');
}

/** The end of a client that closes its connection before the handshake is done. */
export const gone: ClientHandshake = {
  kind: 'failed',
  isPlaintext: false,
  detail: 'The client closed the connection during the handshake',
};

/** What OpenSSL says where the first octets are no TLS record. */
const plaintextCodes = new Set(['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_HTTP_REQUEST', 'ERR_SSL_HTTPS_PROXY_REQUEST']);

function failed(error: Error, certificateProblem?: string): ClientHandshake {
  if (certificateProblem !== undefined) {
    const detail = `The client's certificate is not trusted: ${certificateProblem}`;
    return { kind: 'failed', isPlaintext: false, detail };
  }
  const { code, reason } = error as { readonly code?: unknown; readonly reason?: unknown };
  // Deno says so in its words alone.
  const isPlaintext = plaintextCodes.has(String(code)) || error.message.includes('InvalidContentType');
  return { kind: 'failed', isPlaintext, detail: typeof reason === 'string' ? reason : error.message };
}
