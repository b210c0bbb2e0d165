import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { SecureContextOptions, Server as TlsServer } from 'node:tls';
import { getRequestListener } from '@hono/node-server';
import type { AdminAddress, Endpoint } from '../config/config.ts';
import type { AdminApp } from './admin-env.ts';
import { describeListenError } from './listen-error.ts';
import { listenOnSocket } from './unix-socket.ts';

/** How the listener speaks TLS. */
export interface AdminTls {
  readonly context: SecureContextOptions;
  /** Whether only clients with a certificate of the context's authorities are served. */
  readonly requiresCertificate: boolean;
}

/** What to serve, and where. */
export interface AdminServerOptions {
  readonly app: Pick<AdminApp, 'fetch'>;
  readonly address: AdminAddress;
  /** Absent: plain HTTP. */
  readonly tls?: AdminTls;
  /** How long a connection may be at a stand, with an answer under way or without. */
  readonly idleTimeoutMs?: number;
}

/** The admin interface while it is served; disposing of it stops it. */
export interface AdminServer extends AsyncDisposable {
  /** Where it is bound to, with the port that was picked for port 0. */
  readonly address: AdminAddress;
  /** Takes another certificate from the next connection on. Nothing happens without TLS. */
  replaceCertificate(context: SecureContextOptions): void;
}

/** Requests are a line, a few headers and a small body: who takes longer than this is not asking in earnest. */
const limits = {
  maxHeaderSize: 8 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
  // Longer than the usual scrape interval of 15 s, so that a scraper keeps its connection.
  keepAliveTimeout: 20_000,
};

/** Scrapers, an operator or two and health checks need a handful. */
const maxConnections = 256;

/**
 * Longer than any answer takes to be made, and than event streams are silent: else whoever asks and takes no answer would
 * hold its connection for good.
 */
const defaultIdleTimeoutMs = 60_000;

/** How long answers that are under way may take when the server stops. */
const closeTimeoutMs = 1_000;
const handshakeTimeoutMs = 5_000;

/** Serves the admin interface. Rejects with one clear line, the cause kept, when the address cannot be listened on. */
export async function serveAdmin({
  app,
  address,
  tls,
  idleTimeoutMs = defaultIdleTimeoutMs,
}: AdminServerOptions): Promise<AdminServer> {
  const hostname = 'path' in address ? 'localhost' : address.host;
  const onRequest = getRequestListener(app.fetch, { hostname, overrideGlobalObjects: false });
  const server = tls === undefined ? createServer(limits, onRequest) : createSecured(tls, onRequest);
  server.maxConnections = maxConnections;
  server.setTimeout(idleTimeoutMs);
  const bound = await ('path' in address ? listenOnSocket(server, address.path) : listenOnPort(server, address));
  return {
    address: bound,
    replaceCertificate: (context) => {
      if (isSecured(server)) server.setSecureContext(context);
    },
    [Symbol.asyncDispose]: () => close(server),
  };
}

function createSecured({ context, requiresCertificate }: AdminTls, onRequest: RequestListener): Server {
  return createTlsServer(
    {
      ...limits,
      ...context,
      handshakeTimeout: handshakeTimeoutMs,
      requestCert: requiresCertificate,
      rejectUnauthorized: requiresCertificate,
    },
    onRequest,
  );
}

function isSecured(server: Server): server is Server & Pick<TlsServer, 'setSecureContext'> {
  return 'setSecureContext' in server;
}

function listenOnPort(server: Server, { host, port }: Endpoint): Promise<Endpoint> {
  return new Promise((resolve, reject) => {
    // Stays on: an error without a listener would end the process, and with it every mail session.
    server.on('error', (cause) => reject(describeListenError(cause, { host, port })));
    server.listen({ host, port }, () => {
      const address = server.address();
      if (typeof address === 'object' && address) resolve({ host: address.address, port: address.port });
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), closeTimeoutMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
