import type { Socket } from 'node:net';
import type { SecureClient } from '../proxy/ports.ts';

/**
 * Handshakes with clients that may begin in one turn of the event loop: some ms of work with any certificate, after which
 * the open sessions get theirs. What is due each turn is begun each turn, so it takes a rush for one to wait.
 */
const maxPerTurn = 8;

interface Waiting {
  readonly sinceMs: number;
  readonly begin: () => void;
}

/** Spreads handshakes over turns of the event loop, so that a rush of them does not hold up whoever is in already. */
export class HandshakePace {
  readonly #nowMs: () => number;
  readonly #waiting: Waiting[] = [];
  #left = maxPerTurn;
  #isTurnAwaited = false;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** For how long the first that waits has waited; 0: nobody does. Bounded by the sessions that are let in. */
  get waitingMs(): number {
    const [first] = this.#waiting;
    return first === undefined ? 0 : this.#nowMs() - first.sinceMs;
  }

  /** Makes handshakes that begin in their turn. */
  pace(secureClient: SecureClient): SecureClient {
    return async (raw, policy) => {
      const turn = this.#take();
      if (turn !== undefined) await waitFor(turn, raw);
      return secureClient(raw, policy);
    };
  }

  /** Undefined: now. */
  #take(): Promise<void> | undefined {
    this.#awaitTurn();
    if (this.#left > 0) {
      this.#left -= 1;
      return undefined;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ sinceMs: this.#nowMs(), begin: resolve });
    return promise;
  }

  #awaitTurn(): void {
    if (this.#isTurnAwaited) return;
    this.#isTurnAwaited = true;
    setImmediate(() => this.#onTurn());
  }

  #onTurn(): void {
    this.#isTurnAwaited = false;
    const next = this.#waiting.splice(0, maxPerTurn);
    this.#left = maxPerTurn - next.length;
    if (next.length > 0) this.#awaitTurn();
    for (const { begin } of next) begin();
  }
}

/** Nothing is lost of what the client sends meanwhile, and a reset harms nobody. */
async function waitFor(turn: Promise<void>, raw: Socket): Promise<void> {
  raw.pause();
  raw.on('error', ignore);
  await turn;
  raw.off('error', ignore);
}

function ignore(): void {}
