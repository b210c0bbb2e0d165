import type { Socket } from 'node:net';
import type { ListenerConfig } from '../config/config.ts';
import { formatEndpoint } from '../config/endpoint.ts';
import type { InheritedSockets } from '../net/inherited-sockets.ts';
import { ListenError, type Listener, listen } from '../net/listener.ts';
import type { OwnEndpoints } from '../net/own-endpoints.ts';
import { createProxyHeaderReader } from '../net/proxy-protocol/read-header.ts';
import type { ListenerTls } from '../policy/transport.ts';
import type { GateListener } from '../proxy/gate.ts';
import type { SessionPolicy } from '../proxy/session-options.ts';

/** A listener that is open. */
export interface OpenListener {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly tls: ListenerTls;
}

/** Something got ready that can still be left as it was. */
export interface Preparation {
  /** Puts it into effect. Never throws. */
  apply(): void;
  /** Gives back what was got ready. */
  abandon(): void;
}

/** What sockets hand their connections to. */
export interface ListeningSocketsOptions {
  readonly accept: (socket: Socket, listener: GateListener) => void;
  readonly ownEndpoints: OwnEndpoints;
  /** Sockets that a service manager opened for this process. */
  readonly inherited?: InheritedSockets | undefined;
  /** Is told which address a listener is bound to. */
  readonly onServed?: (listener: string, address: string) => void;
}

/** What all sessions may take, whatever their listener. */
type SessionTimes = Pick<SessionPolicy, 'loginTimeoutMs' | 'idleTimeoutMs'>;

/** A socket, and the listener whose it is now; absent: nobody's yet. */
interface OpenSocket {
  readonly socket: Listener;
  seen: GateListener | undefined;
  /** Made before it was anybody's. */
  readonly waiting: Socket[];
}

/**
 * The listening sockets, by the addresses that the configuration names: a listener that is changed or renamed keeps its
 * socket, and with it the connections that wait there.
 */
export class ListeningSockets {
  readonly #options: ListeningSocketsOptions;
  readonly #readHeader = createProxyHeaderReader();
  #sockets: ReadonlyMap<string, OpenSocket> = new Map();
  #isOpen = true;

  constructor(options: ListeningSocketsOptions) {
    this.#options = options;
  }

  /** The listeners, in the order of the configuration. */
  list(): readonly OpenListener[] {
    return [...this.#sockets.values()].flatMap(({ socket: { host, port }, seen }) =>
      seen === undefined ? [] : [{ name: seen.name, host, port, tls: seen.policy.tls }],
    );
  }

  /**
   * Opens the sockets that other listeners need beyond those that are open; once that is applied, those that are needed no
   * more are closed. Connections made meanwhile wait. Rejects with `ListenError`, and leaves all as it was.
   */
  async prepare(listeners: readonly ListenerConfig[], times: SessionTimes): Promise<Preparation> {
    const wanted = new Map<string, { readonly open: OpenSocket; readonly seen: GateListener }>();
    const opened: OpenSocket[] = [];
    const abandon = (): void => {
      for (const open of opened) this.#close(open);
    };
    try {
      for (const listener of listeners) {
        const known = this.#sockets.get(addressOf(listener));
        const open = known ?? (await this.#open(listener));
        if (known === undefined) opened.push(open);
        wanted.set(addressOf(listener), { open, seen: this.#describe(listener, times) });
      }
    } catch (error) {
      abandon();
      throw error;
    }
    return { apply: () => this.#apply(wanted), abandon };
  }

  /** Closes them all; connections that were made go on. */
  close(): void {
    this.#isOpen = false;
    for (const open of this.#sockets.values()) this.#close(open);
  }

  /** Whether they are listened on: until they are closed. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  #apply(wanted: ReadonlyMap<string, { readonly open: OpenSocket; readonly seen: GateListener }>): void {
    const before = this.#sockets;
    this.#sockets = new Map([...wanted].map(([address, { open }]) => [address, open]));
    for (const { open, seen } of wanted.values()) {
      open.seen = seen;
      this.#options.onServed?.(seen.name, open.socket.address);
      for (const socket of open.waiting.splice(0)) {
        socket.off('error', ignore);
        if (!socket.destroyed) this.#options.accept(socket, seen);
      }
    }
    for (const [address, open] of before) if (!wanted.has(address)) this.#close(open);
  }

  async #open({ name, host, port }: ListenerConfig): Promise<OpenSocket> {
    const waiting: Socket[] = [];
    const onConnection = (socket: Socket): void => {
      // An error without a listener would end the process, and with it every mail session.
      if (open?.seen === undefined) waiting.push(socket.on('error', ignore));
      else this.#options.accept(socket, open.seen);
    };
    let open: OpenSocket | undefined;
    const socket = await listen({ name, host, port, onConnection, inherited: this.#options.inherited }).catch(
      (error: unknown) => {
        throw this.#explainOverlap(error, { name, host, port });
      },
    );
    open = { socket, seen: undefined, waiting };
    this.#options.ownEndpoints.add({ host: socket.address, port: socket.port });
    return open;
  }

  /** A wildcard address and one of its addresses cannot be listened on at the same time. */
  #explainOverlap(error: unknown, { name, host, port }: Pick<ListenerConfig, 'name' | 'host' | 'port'>): unknown {
    const inTheWay = this.list().find((open) => open.port === port);
    if (!(error instanceof ListenError) || !isTaken(error.cause) || inTheWay === undefined) return error;
    const place = formatEndpoint({ host, port });
    return new ListenError(
      `Cannot listen on ${place} (${name}): "${inTheWay.name}" of this Postern has the port until then; restart Postern for this change`,
      { listener: name, cause: error.cause },
    );
  }

  #close({ socket, waiting }: OpenSocket): void {
    for (const connection of waiting.splice(0)) connection.destroy();
    this.#options.ownEndpoints.remove({ host: socket.address, port: socket.port });
    // Not waited for: it ends with its last connection.
    void socket.close();
  }

  #describe({ name, host: _, port: __, ...rest }: ListenerConfig, times: SessionTimes): GateListener {
    const { proxyProtocolFrom: networks, trustProxyTls, ...policy } = rest;
    const balancers = networks && { networks, readHeader: this.#readHeader, isTlsTrusted: trustProxyTls ?? false };
    return { name, policy: { ...policy, ...times }, ...(balancers && { balancers }) };
  }
}

/** Who left before being let in is destroyed, and forgotten. */
function ignore(): void {}

/** What the configuration calls it. Port 0 is another port for each listener. */
function addressOf({ name, host, port }: ListenerConfig): string {
  return port === 0 ? `${host}:0 for ${name}` : `${host}:${port}`;
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}
