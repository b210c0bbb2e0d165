/** What has to be closed again, last opened first. (Node 22 has no `AsyncDisposableStack`.) */
export class AsyncStack {
  readonly #closers: (() => PromiseLike<void>)[] = [];

  /** Closes this later, before everything that was deferred earlier. */
  defer(close: () => PromiseLike<void>): void {
    this.#closers.push(close);
  }

  /** Closes everything; a second call finds nothing left to do. */
  async close(): Promise<void> {
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) await close();
  }
}
