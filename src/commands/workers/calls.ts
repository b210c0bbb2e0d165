/** Questions to another thread, and whoever waits for the answers. */
export class Calls {
  readonly #waiting = new Map<number, (value: unknown) => void>();
  #last = 0;
  #isOver = false;

  /**
   * Resolves to the answer, or to undefined where none comes any more. What it is, the one who asks has to know: with
   * undefined, where the other thread may end before this one.
   */
  ask<Answer>(send: (call: number) => void): Promise<Answer> {
    this.#last += 1;
    const call = this.#last;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#waiting.set(call, resolve as (value: unknown) => void);
    if (this.#isOver) this.answer(call, undefined);
    else send(call);
    return promise;
  }

  /** Hands an answer over. */
  answer(call: number, value: unknown): void {
    const resolve = this.#waiting.get(call);
    this.#waiting.delete(call);
    resolve?.(value);
  }

  /** Tells all who wait, and will wait, that nobody is left to answer. */
  end(): void {
    this.#isOver = true;
    for (const call of [...this.#waiting.keys()]) this.answer(call, undefined);
  }
}
