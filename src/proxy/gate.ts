import type { Socket } from 'node:net';
import type { CloseReason, RefusalReason } from './events.ts';
import { Session, type SessionPolicy, type SessionPorts } from './session.ts';

/** How many sessions are let in. */
export interface GateLimits {
  readonly maxTotal: number;
  readonly maxPerAddress: number;
}

/** A listener's connections, as the gate sees them. */
export interface GateListener {
  readonly name: string;
  readonly policy: SessionPolicy;
}

/** Lets clients in, keeps their sessions, and closes them in the end. */
export class Gate {
  readonly #limits: GateLimits;
  readonly #ports: SessionPorts;
  readonly #idPrefix: string;
  readonly #sessions = new Map<string, Session>();
  readonly #sessionsByAddress = new Map<string, number>();
  #lastId = 0;
  #onEmpty: (() => void) | undefined;
  #isDraining = false;

  /** `idPrefix` makes session ids unique among instances. */
  constructor(options: { readonly limits: GateLimits; readonly ports: SessionPorts; readonly idPrefix: string }) {
    this.#limits = options.limits;
    this.#ports = options.ports;
    this.#idPrefix = options.idPrefix;
  }

  /** Takes over a client's connection, which must not have been read from. */
  accept(socket: Socket, listener: GateListener): void {
    const address = plainAddress(socket.remoteAddress);
    // Gone before we looked.
    if (address === undefined) {
      socket.destroy();
      return;
    }
    const refusal = this.#refusalFor(address);
    if (refusal !== undefined) {
      this.#refuse(socket, { listener, address, refusal });
      return;
    }

    this.#lastId += 1;
    const sessionId = `${this.#idPrefix}-${this.#lastId.toString(36)}`;
    const session = new Session({
      identity: { sessionId, listener: listener.name, address },
      socket,
      policy: listener.policy,
      ports: this.#ports,
      onClosed: () => this.#forget(sessionId, address),
    });
    this.#sessions.set(sessionId, session);
    this.#sessionsByAddress.set(address, (this.#sessionsByAddress.get(address) ?? 0) + 1);
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
    if (this.#sessions.size > 0) {
      const empty = Promise.withResolvers<void>();
      this.#onEmpty = empty.resolve;
      const timer = setTimeout(empty.resolve, timeoutMs);
      signal?.addEventListener('abort', () => empty.resolve(), { once: true });
      if (!signal?.aborted) await empty.promise;
      clearTimeout(timer);
    }
    for (const session of this.#sessions.values()) session.end('drained');
  }

  #refusalFor(address: string): RefusalReason | undefined {
    if (this.#isDraining) return 'draining';
    if (this.#sessions.size >= this.#limits.maxTotal) return 'max_total';
    if ((this.#sessionsByAddress.get(address) ?? 0) >= this.#limits.maxPerAddress) return 'max_per_address';
    return undefined;
  }

  #refuse(
    socket: Socket,
    { listener, address, refusal }: { listener: GateListener; address: string; refusal: RefusalReason },
  ): void {
    this.#ports.report({ kind: 'connectionRefused', listener: listener.name, address, reason: refusal });
    socket.on('error', () => {});
    // A client that waits for a handshake could not read it.
    if (listener.policy.tls !== 'implicit')
      socket.write('-ERR [SYS/TEMP] Too many connections. Please try again later\r\n');
    socket.destroySoon();
  }

  #forget(sessionId: string, address: string): void {
    this.#sessions.delete(sessionId);
    const left = (this.#sessionsByAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#sessionsByAddress.set(address, left);
    else this.#sessionsByAddress.delete(address);
    if (this.#sessions.size === 0) this.#onEmpty?.();
  }
}

/** An IPv4 client of a dual-stack listener is an IPv4 client. */
function plainAddress(address: string | undefined): string | undefined {
  return address?.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}
