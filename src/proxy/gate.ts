import type { Socket } from 'node:net';
import { type AddressRefusal, replyForBlockedAddress } from '../policy/blocked-address.ts';
import { limitedNetwork } from '../policy/ip-network.ts';
import type { Networks } from '../policy/networks.ts';
import type { ProxiedOrigin } from './client-leg.ts';
import type { CloseReason } from './events.ts';
import type { ReadProxyHeader } from './ports.ts';
import { ReplyHold } from './reply-hold.ts';
import { Session } from './session.ts';
import type { SessionPolicy, SessionPorts } from './session-options.ts';

/** How long sockets that were cut may take to report it; they need no network for that. */
const cutTimeoutMs = 1_000;

const refusalReplies = {
  max_total: '-ERR [SYS/TEMP] Too many connections. Please try again later\r\n',
  max_per_address: '-ERR [SYS/TEMP] Too many connections from your address. Please try again later\r\n',
  overloaded: '-ERR [SYS/TEMP] This server is too busy. Please try again in a few minutes\r\n',
  draining: '-ERR [SYS/TEMP] This server is about to restart. Please try again in a minute\r\n',
} as const;

/** How many sessions are let in. */
export interface GateLimits {
  readonly maxTotal: number;
  readonly maxPerAddress: number;
  /** Replies to failed logins that are held back at a time. */
  readonly maxHeldReplies: number;
}

/** A listener's connections, as the gate sees them. */
export interface GateListener {
  readonly name: string;
  readonly policy: SessionPolicy;
  /** Balancers whose connections must begin with a PROXY header; absent: there are none. */
  readonly balancers?: {
    readonly networks: Networks;
    readonly readHeader: ReadProxyHeader;
    /** Whether TLS that a balancer says it terminated counts as encryption. */
    readonly isTlsTrusted: boolean;
  };
}

/** What a gate is made of. */
export interface GateOptions {
  readonly limits: GateLimits;
  readonly ports: SessionPorts;
  /** Makes session ids unique among instances. */
  readonly idPrefix: string;
  /** Whether one more session would be one too many for this process; absent: never. */
  readonly isOverloaded?: () => boolean;
}

interface Connection {
  readonly socket: Socket;
  readonly listener: GateListener;
  /** The client's address. */
  readonly address: string;
  readonly proxied?: ProxiedOrigin;
}

/** Lets clients in, keeps their sessions, and closes them in the end. */
export class Gate {
  #limits: GateLimits;
  readonly #ports: SessionPorts;
  readonly #idPrefix: string;
  readonly #hold: ReplyHold;
  readonly #isOverloaded: () => boolean;
  readonly #sessions = new Map<string, Session>();
  /** By IPv4 address or IPv6 /64, which is what one host has. */
  readonly #sessionsByNetwork = new Map<string, number>();
  /** Connections whose PROXY header is being read: they count as sessions, of nobody yet. */
  readonly #awaitingHeader = new Set<Socket>();
  #lastId = 0;
  readonly #awaitingEmpty = new Set<() => void>();
  #isDraining = false;

  constructor(options: GateOptions) {
    this.#limits = options.limits;
    this.#ports = options.ports;
    this.#idPrefix = options.idPrefix;
    this.#isOverloaded = options.isOverloaded ?? (() => false);
    this.#hold = new ReplyHold(options.limits.maxHeldReplies);
  }

  /** Holds to other limits from now on; sessions that are in stay in, however many they are. */
  changeLimits(limits: GateLimits): void {
    this.#limits = limits;
    this.#hold.changeMax(limits.maxHeldReplies);
  }

  /** Takes over a client's connection, which must not have been read from. */
  accept(socket: Socket, listener: GateListener): void {
    const address = plainAddress(socket.remoteAddress);
    // Gone before we looked.
    if (address === undefined) {
      socket.destroy();
      return;
    }
    const { balancers } = listener;
    if (balancers?.networks.includes(address)) {
      void this.#acceptProxied({ socket, listener, address }, balancers);
    } else {
      this.#admit({ socket, listener, address });
    }
  }

  /** Finds out for whom a balancer connects. */
  async #acceptProxied(
    connection: Connection,
    { readHeader, isTlsTrusted }: NonNullable<GateListener['balancers']>,
  ): Promise<void> {
    const { socket, listener, address: balancer } = connection;
    const refusal = this.#refusalForAnyone();
    if (refusal !== undefined) {
      this.#refuse(connection, refusal);
      return;
    }
    // Between the reader's listeners and the session's a reset must have one, too.
    socket.on('error', () => {});
    this.#awaitingHeader.add(socket);
    const reading = await readHeader(socket);
    this.#awaitingHeader.delete(socket);
    switch (reading.kind) {
      case 'gone':
        socket.destroy();
        return;
      case 'refused':
        this.#refuseHeader(connection, reading.detail);
        return;
      case 'header': {
        if (socket.destroyed) return;
        const { tls, ...client } = reading.client;
        const trusted = isTlsTrusted && tls !== undefined ? { tls } : {};
        const address = client.source?.address ?? balancer;
        this.#admit({ socket, listener, address, proxied: { balancer, ...client, ...trusted } });
        return;
      }
      default:
        reading satisfies never;
    }
  }

  #admit(connection: Connection): void {
    const { socket, listener, address, proxied } = connection;
    const refusal = this.#refusalForAnyone() ?? this.#refusalFor(address);
    if (refusal !== undefined) {
      this.#refuse(connection, refusal);
      return;
    }
    const block = this.#ports.guard.refusesAddress(address);
    if (block !== undefined) {
      this.#refuseBlocked(connection, block);
      return;
    }

    this.#lastId += 1;
    const sessionId = `${this.#idPrefix}-${this.#lastId.toString(36)}`;
    const session = new Session({
      identity: { sessionId, listener: listener.name, address },
      socket,
      ...(proxied === undefined ? {} : { proxied }),
      policy: listener.policy,
      ports: this.#ports,
      hold: this.#hold,
      onClosed: () => this.#forget(sessionId, address),
    });
    this.#sessions.set(sessionId, session);
    const network = limitedNetwork(address);
    this.#sessionsByNetwork.set(network, (this.#sessionsByNetwork.get(network) ?? 0) + 1);
    session.start();
  }

  /** Cuts one session; false where there is none of that id. */
  end(sessionId: string, reason: CloseReason): boolean {
    const session = this.#sessions.get(sessionId);
    session?.end(reason);
    return session !== undefined;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Lets nobody in any more, waits for the sessions to end, and cuts those left after `timeoutMs` or when `signal` aborts. */
  async drain({ timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal }): Promise<void> {
    this.#isDraining = true;
    this.#hold.end();
    for (const socket of this.#awaitingHeader) socket.destroy();
    await this.#untilEmpty(timeoutMs, signal);
    for (const session of this.#sessions.values()) session.end('drained');
    await this.#untilEmpty(cutTimeoutMs);
  }

  /** Resolves when no session is left, when the time is over, or when `signal` aborts. */
  async #untilEmpty(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (this.#sessions.size === 0 || signal?.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#awaitingEmpty.add(resolve);
    const timer = setTimeout(resolve, timeoutMs);
    signal?.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    this.#awaitingEmpty.delete(resolve);
    clearTimeout(timer);
  }

  #refusalForAnyone(): 'draining' | 'overloaded' | 'max_total' | undefined {
    if (this.#isDraining) return 'draining';
    if (this.#isOverloaded()) return 'overloaded';
    return this.#sessions.size + this.#awaitingHeader.size >= this.#limits.maxTotal ? 'max_total' : undefined;
  }

  #refusalFor(address: string): 'max_per_address' | undefined {
    const sessions = this.#sessionsByNetwork.get(limitedNetwork(address)) ?? 0;
    if (sessions >= this.#limits.maxPerAddress) return 'max_per_address';
    return undefined;
  }

  #refuse({ socket, listener, address }: Connection, reason: keyof typeof refusalReplies): void {
    this.#ports.report({ kind: 'connectionRefused', listener: listener.name, address, reason });
    socket.on('error', () => {});
    // A client that waits for a handshake could not read it.
    if (listener.policy.tls !== 'implicit') socket.write(refusalReplies[reason]);
    socket.destroySoon();
  }

  /** Comes in floods: the client is told why where it can read that, and nothing is kept of it. */
  #refuseBlocked({ socket, listener, address }: Connection, block: AddressRefusal): void {
    this.#ports.report({ kind: 'connectionRefused', listener: listener.name, address, reason: 'blocked' });
    socket.on('error', () => {});
    if (listener.policy.tls === 'implicit') {
      socket.destroy();
      return;
    }
    socket.write(`-ERR ${replyForBlockedAddress(block)}\r\n`);
    socket.destroySoon();
  }

  /** Nothing is said: what is there is no balancer, or one that would take it for the server's greeting. */
  #refuseHeader({ socket, listener, address }: Connection, detail: string): void {
    const reason = 'proxy_header';
    this.#ports.report({ kind: 'connectionRefused', listener: listener.name, address, reason, detail });
    socket.destroy();
  }

  #forget(sessionId: string, address: string): void {
    this.#sessions.delete(sessionId);
    const network = limitedNetwork(address);
    const left = (this.#sessionsByNetwork.get(network) ?? 1) - 1;
    if (left > 0) this.#sessionsByNetwork.set(network, left);
    else this.#sessionsByNetwork.delete(network);
    if (this.#sessions.size === 0) for (const resolve of this.#awaitingEmpty) resolve();
  }
}

/** An IPv4 client of a dual-stack listener is an IPv4 client. */
function plainAddress(address: string | undefined): string | undefined {
  return address?.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}
