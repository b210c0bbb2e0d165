import type { Socket } from 'node:net';
import type { SecureClient } from '../proxy/ports.ts';
import { gone } from './client-handshake.ts';

/** Handshakes under way that nobody needs to be careful with: together they take some ms, even if all go on at once. */
const maxUnhurried = 16;
/** Beyond those, so many are begun in one turn of the event loop; then the open sessions get theirs. */
const maxPerTurn = 8;

interface Waiting {
  readonly sinceMs: number;
  readonly begin: () => void;
}

/**
 * Spreads handshakes over turns of the event loop, so that a rush of them does not hold up whoever is in already: all of
 * a handshake's work is done as the client's hello is read. In a rush a client that sends none costs no TLS either.
 */
export class HandshakePace {
  readonly #nowMs: () => number;
  readonly #waiting: Waiting[] = [];
  #underWay = 0;
  #isTurnAwaited = false;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** For how long the first client has waited whose hello is there; 0: none does. */
  get waitingMs(): number {
    const [first] = this.#waiting;
    return first === undefined ? 0 : this.#nowMs() - first.sinceMs;
  }

  /** Makes handshakes that begin in their turn. */
  pace(secureClient: SecureClient): SecureClient {
    return async (raw, policy) => {
      if (this.#underWay >= maxUnhurried) {
        await untilReadable(raw);
        if (raw.readableLength > 0) await this.#turn();
        // What it had to say is all said, and it was no handshake.
        else return gone;
      }
      this.#underWay += 1;
      try {
        return await secureClient(raw, policy);
      } finally {
        this.#underWay -= 1;
      }
    };
  }

  #turn(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ sinceMs: this.#nowMs(), begin: resolve });
    this.#awaitTurn();
    return promise;
  }

  #awaitTurn(): void {
    if (this.#isTurnAwaited) return;
    this.#isTurnAwaited = true;
    setImmediate(() => {
      this.#isTurnAwaited = false;
      for (const { begin } of this.#waiting.splice(0, maxPerTurn)) begin();
      if (this.#waiting.length > 0) this.#awaitTurn();
    });
  }
}

/** Resolves when there are octets to read, or will never be. Nothing is read: whoever comes next finds them in the socket. */
async function untilReadable(raw: Socket): Promise<void> {
  if (raw.readableLength > 0 || raw.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const endings = ['readable', 'end', 'error', 'close'] as const;
  for (const ending of endings) raw.on(ending, resolve);
  await promise;
  for (const ending of endings) raw.off(ending, resolve);
}
