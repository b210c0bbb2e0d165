/** Questions to another thread, and whoever waits for the answers. */
export class Calls {
  readonly #waiting = new Map<number, (value: unknown) => void>();
  #last = 0;

  /** Resolves to the answer, or to undefined where none comes any more. What it is, the one who asks has to know. */
  ask<Answer>(send: (call: number) => void): Promise<Answer> {
    this.#last += 1;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#waiting.set(this.#last, resolve as (value: unknown) => void);
    send(this.#last);
    return promise;
  }

  /** Hands an answer over. */
  answer(call: number, value: unknown): void {
    const resolve = this.#waiting.get(call);
    this.#waiting.delete(call);
    resolve?.(value);
  }

  /** Tells all who wait that nobody is left to answer. */
  end(): void {
    for (const call of [...this.#waiting.keys()]) this.answer(call, undefined);
  }
}
