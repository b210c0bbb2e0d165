/** Sends what gathers within a turn of the event loop as one message: each message costs both threads far more than what is in it. */
export class Outbox<T> {
  readonly #post: (batch: readonly T[]) => void;
  #batch: T[] = [];

  constructor(post: (batch: readonly T[]) => void) {
    this.#post = post;
  }

  /** Sends behind all that was sent before. What it holds must be plain data. */
  send(message: T): void {
    this.#batch.push(message);
    if (this.#batch.length === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const batch = this.#batch;
    this.#batch = [];
    this.#post(batch);
  }
}
