/** Below it a difference is the way between the two, not a clock that is wrong. */
const maxJitterMs = 250;

/** The shared store's clock, as this process reads it off its own: the ends of blocks are told by it. */
export class SharedClock {
  readonly #ownMs: () => number;
  #aheadMs = 0;

  /** `ownMs` is this process's clock, ms since the epoch. */
  constructor(ownMs: () => number = Date.now) {
    this.#ownMs = ownMs;
  }

  /** Ms since the epoch. */
  readonly nowMs = (): number => this.#ownMs() + this.#aheadMs;

  /** Takes over what the store's clock says right now. */
  follow(storeMs: number): void {
    const aheadMs = storeMs - this.#ownMs();
    if (Math.abs(aheadMs - this.#aheadMs) > maxJitterMs) this.#aheadMs = aheadMs;
  }
}
