import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import type { Endpoint } from '../config/config.ts';
import type { AdminEnv } from './bearer-auth.ts';

/** What to serve, and where. */
export interface AdminServerOptions extends Endpoint {
  readonly app: Hono<AdminEnv>;
}

/** The admin interface while it is served; disposing of it stops it. */
export interface AdminServer extends AsyncDisposable {
  /** Where it is bound to, with the port that was picked for port 0. */
  readonly address: Endpoint;
}

/** Requests are a line, a few headers and no body: who takes longer than this is not asking in earnest. */
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

/** How long answers that are under way may take when the server stops. */
const closeTimeoutMs = 1_000;

/** Serves the admin interface. Rejects with one clear line, the cause kept, when the address cannot be listened on. */
export async function serveAdmin({ app, host, port }: AdminServerOptions): Promise<AdminServer> {
  const server = createServer(limits, getRequestListener(app.fetch, { hostname: host, overrideGlobalObjects: false }));
  server.maxConnections = maxConnections;
  const bound = await new Promise<AddressInfo>((resolve, reject) => {
    // Stays on: an error without a listener would end the process, and with it every mail session.
    server.on('error', (cause) => reject(describeListenError(cause, { host, port })));
    server.listen({ host, port }, () => {
      const address = server.address();
      if (typeof address === 'object' && address) resolve(address);
    });
  });
  return {
    address: { host: bound.address, port: bound.port },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        const timer = setTimeout(() => server.closeAllConnections(), closeTimeoutMs);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

const listenErrors: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there',
  EACCES: 'this port needs a privilege that the process lacks',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'this name cannot be resolved',
};

function describeListenError(cause: NodeJS.ErrnoException, { host, port }: Endpoint): Error {
  const why = listenErrors[cause.code ?? ''] ?? cause.message;
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return new Error(`Cannot serve the admin interface on "${address}": ${why}`, { cause });
}
