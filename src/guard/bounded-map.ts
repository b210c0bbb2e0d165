/** A map that forgets what was set longest ago when there is too much in it. */
export class BoundedMap<V> {
  readonly #max: number;
  readonly #entries = new Map<string, V>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  /** Sets an entry, which is the newest from now on. */
  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.#max) this.deleteOldest();
  }

  delete(key: string): boolean {
    return this.#entries.delete(key);
  }

  /** The entry that was set longest ago. */
  oldest(): readonly [key: string, value: V] | undefined {
    for (const entry of this.#entries) return entry;
    return undefined;
  }

  deleteOldest(): void {
    for (const key of this.#entries.keys()) {
      this.#entries.delete(key);
      return;
    }
  }

  /** The entries, oldest first. */
  entries(): IterableIterator<[string, V]> {
    return this.#entries.entries();
  }
}
