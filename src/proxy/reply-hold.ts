/** Holds replies back, a bounded number at a time: whoever wants them all held could otherwise fill the gate with open sockets. */
export class ReplyHold {
  #maxHeld: number;
  readonly #held = new Set<() => void>();
  #isOver = false;

  constructor(maxHeld: number) {
    this.#maxHeld = maxHeld;
  }

  /** Holds at most so many from now on; what is held stays held. */
  changeMax(maxHeld: number): void {
    this.#maxHeld = maxHeld;
  }

  /** Resolves after `delayMs`, or at once where too many are held; earlier when `signal` aborts. Never rejects. */
  wait(delayMs: number, signal: AbortSignal): Promise<void> {
    if (delayMs <= 0 || signal.aborted || this.#isOver || this.#held.size >= this.#maxHeld) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      this.#held.delete(end);
      resolve();
    };
    const timer = setTimeout(end, delayMs);
    signal.addEventListener('abort', end);
    this.#held.add(end);
    return promise;
  }

  /** Holds nothing any more: what is held goes out now. */
  end(): void {
    this.#isOver = true;
    for (const end of this.#held) end();
  }
}
