import { createServer, isIPv6, type Socket } from 'node:net';

/** Connections the kernel keeps for us while we are busy; it may keep fewer (`net.core.somaxconn`). */
const backlog = 4096;

/** Where to listen, and who takes the connections. */
export interface ListenOptions {
  readonly name: string;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Gets sockets that nobody has read from. */
  readonly onConnection: (socket: Socket) => void;
}

/** An open listening socket. */
export interface Listener {
  readonly name: string;
  readonly host: string;
  /** What `host` stands for: where it is bound to. */
  readonly address: string;
  readonly port: number;
  /** Stops listening; connections already made go on. */
  close(): Promise<void>;
}

/** A listening address that cannot be had. */
export class ListenError extends Error {
  readonly code = 'LISTEN';
}

/** Opens a listening socket. Rejects with `ListenError`, whose message says what to do. */
export function listen({ name, host, port, onConnection }: ListenOptions): Promise<Listener> {
  const { promise, resolve, reject } = Promise.withResolvers<Listener>();
  // A client may close its sending side and still read (RFC 1939 says nothing against it): its QUIT must get through.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, onConnection);
  server.once('error', (error: NodeJS.ErrnoException) => {
    const place = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
    reject(new ListenError(`Cannot listen on ${place} (${name}): ${explain(error)}`, { cause: error }));
  });
  // "::" means IPv6 alone: "0.0.0.0" can then stand beside it, and each network shows up as what it is.
  server.listen({ host, port, backlog, ipv6Only: isIPv6(host) }, () => {
    const address = server.address();
    if (address === null || typeof address === 'string') return;
    const close = () => new Promise<void>((done) => server.close(() => done()));
    resolve({ name, host, address: address.address, port: address.port, close });
  });
  return promise;
}

function explain({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'another program uses this port; stop it or choose another port';
    case 'EACCES':
      return 'ports below 1024 need a privilege; use a higher port, or grant CAP_NET_BIND_SERVICE';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address';
    case 'ENOTFOUND':
      return 'this host name cannot be resolved';
    default:
      return message;
  }
}
