import type { TLSSocket } from 'node:tls';

/**
 * Why a held connection was closed: it was too old; the server closed it, or said something unasked; nobody is to use it any more.
 */
export type HeldOutcome = 'expired' | 'broken' | 'discarded';

/** How a connection is held. */
export interface HoldOptions {
  readonly sinceMs: number;
  readonly maxAgeMs: number;
  /** Is called once, when it is taken or closed. */
  readonly onLeft: (outcome: HeldOutcome | 'taken') => void;
}

/** A greeted connection that waits for a login. It is read from all the while: whatever arrives is a reason to close it. */
export class HeldConnection {
  readonly sinceMs: number;
  readonly #socket: TLSSocket;
  readonly #onLeft: HoldOptions['onLeft'];
  readonly #timer: NodeJS.Timeout;
  #isLeft = false;

  /** Takes over a paused socket whose errors have a listener. */
  constructor(socket: TLSSocket, { sinceMs, maxAgeMs, onLeft }: HoldOptions) {
    this.sinceMs = sinceMs;
    this.#socket = socket;
    this.#onLeft = onLeft;
    this.#timer = setTimeout(() => this.end('expired'), maxAgeMs);
    this.#timer.unref();
    socket.on('data', this.#onBroken);
    socket.on('end', this.#onBroken);
    socket.on('close', this.#onBroken);
    socket.resume();
  }

  /** The socket, for a login; undefined where it cannot carry one any more. */
  take(): TLSSocket | undefined {
    const socket = this.#socket;
    if (socket.destroyed || !socket.readable || !socket.writable) return this.end('broken');
    this.#leave('taken');
    return socket;
  }

  /** Closes it: by TLS's own farewell, as `QUIT` belongs to clients alone. */
  end(outcome: HeldOutcome): undefined {
    if (this.#isLeft) return;
    this.#leave(outcome);
    this.#socket.destroySoon();
  }

  readonly #onBroken = (): void => {
    this.end('broken');
  };

  #leave(outcome: HeldOutcome | 'taken'): void {
    this.#isLeft = true;
    clearTimeout(this.#timer);
    this.#socket.off('data', this.#onBroken);
    this.#socket.off('end', this.#onBroken);
    this.#socket.off('close', this.#onBroken);
    this.#onLeft(outcome);
  }
}
