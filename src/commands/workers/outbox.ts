/** How long what is not urgent waits for something that is. */
const lateMs = 20;

/** Sends what gathers as one message: each costs both threads far more than what is in it. */
export class Outbox<T> {
  readonly #post: (batch: readonly T[]) => void;
  #batch: T[] = [];
  #isDue = false;
  #late: NodeJS.Timeout | undefined;

  constructor(post: (batch: readonly T[]) => void) {
    this.#post = post;
  }

  /** Sends with this turn of the event loop, behind all that was given before. What it holds must be plain data. */
  send(message: T): void {
    this.#batch.push(message);
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => this.#flush());
  }

  /** The same, but in time: with the next one that cannot wait, or a little later. */
  sendLater(message: T): void {
    this.#batch.push(message);
    if (!this.#isDue) this.#late ??= setTimeout(() => this.#flush(), lateMs);
  }

  #flush(): void {
    clearTimeout(this.#late);
    this.#late = undefined;
    this.#isDue = false;
    const batch = this.#batch;
    this.#batch = [];
    if (batch.length > 0) this.#post(batch);
  }
}
