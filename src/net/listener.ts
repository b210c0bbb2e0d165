import { type AddressInfo, createServer, isIP, isIPv6, type Socket } from 'node:net';
import type { InheritedSockets } from './inherited-sockets.ts';

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
  /** Sockets opened by a service manager. The one of this name is used where there is one, and must be bound to `host` and `port`. */
  readonly inherited?: Pick<InheritedSockets, 'take'> | undefined;
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
  /** The name of the listener that it is for. */
  readonly listener: string;

  constructor(message: string, { listener, cause }: { readonly listener: string; readonly cause?: unknown }) {
    super(message, { cause });
    this.listener = listener;
  }
}

/** Opens a listening socket. Rejects with `ListenError`, whose message says what to do. */
export function listen({ name, host, port, onConnection, inherited }: ListenOptions): Promise<Listener> {
  const { promise, resolve, reject } = Promise.withResolvers<Listener>();
  // A client may close its sending side and still read (RFC 1939 says nothing against it): its QUIT must get through.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, onConnection);
  const fail = (reason: string, cause?: unknown): void => {
    const place = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
    reject(new ListenError(`Cannot listen on ${place} (${name}): ${reason}`, { listener: name, cause }));
  };
  // Stays on: an error without a listener would end the process, and with it every mail session.
  server.on('error', (error: NodeJS.ErrnoException) => {
    const reason = explain(error);
    fail(fd === undefined ? reason : `the socket handed over under this name cannot be used: ${reason}`, error);
  });
  const fd = inherited?.take(name);
  // "::" means IPv6 alone: "0.0.0.0" can then stand beside it, and each network shows up as what it is.
  const place = fd === undefined ? { host, port, ipv6Only: isIPv6(host) } : { fd };
  server.listen({ ...place, backlog }, () => {
    const address = server.address();
    const isTcp = address !== null && typeof address !== 'string';
    if (fd !== undefined && !(isTcp && isBoundTo(address, { host, port }))) {
      server.close();
      fail(
        `the socket handed over under this name is ${isTcp ? `bound to ${address.address}:${address.port}` : 'no TCP socket'}`,
      );
      return;
    }
    if (!isTcp) return;
    const close = () => new Promise<void>((done) => server.close(() => done()));
    resolve({ name, host, address: address.address, port: address.port, close });
  });
  return promise;
}

/** Whether a socket is where the configuration says; a host's name and port 0 leave it open. */
function isBoundTo(address: AddressInfo, { host, port }: Pick<ListenOptions, 'host' | 'port'>): boolean {
  return (isIP(host) === 0 || address.address === host) && (port === 0 || address.port === port);
}

function explain({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'another program uses this port; stop it or choose another port';
    case 'EACCES':
      return 'ports below 1024 need a privilege; use a higher port, or grant CAP_NET_BIND_SERVICE';
    case 'EPERM':
      return 'a sandbox forbids it; let the service manager hand the socket over, or permit the port (systemd: SocketBindAllow=)';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address';
    case 'ENOTFOUND':
      return 'this host name cannot be resolved';
    default:
      return message;
  }
}
