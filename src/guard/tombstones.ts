import { StoreUnavailable } from '../proxy/store-unavailable.ts';
import { type ManualStore, maxLifted } from './manual-store.ts';

/**
 * What was lifted, told to the shared store: an instance that was away meanwhile would bring it back otherwise. What the
 * store cannot be told now it is told at the next resync.
 */
export class Tombstones {
  readonly #store: Pick<ManualStore, 'bury' | 'unbury'>;
  /** Ids that the store was not told of. */
  readonly #untold = new Set<string>();

  constructor(store: Pick<ManualStore, 'bury' | 'unbury'>) {
    this.#store = store;
  }

  async bury(id: string): Promise<void> {
    this.#untold.add(id);
    if (this.#untold.size > maxLifted) this.#forgetOldest();
    await this.#unlessAway(() => this.#tell(id));
  }

  /** It holds again, as the store knows or will hear. */
  forget(id: string): void {
    this.#untold.delete(id);
  }

  /** Blocks of these names were placed again. */
  async unbury(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.forget(id);
    await this.#unlessAway(() => this.#store.unbury(ids));
  }

  /** Tells the store what it missed. Rejects with `StoreUnavailable` where it still cannot. */
  async flush(): Promise<void> {
    for (const id of [...this.#untold]) await this.#tell(id);
  }

  async #tell(id: string): Promise<void> {
    await this.#store.bury(id);
    this.#untold.delete(id);
  }

  async #unlessAway(tell: () => Promise<void>): Promise<void> {
    try {
      await tell();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }

  #forgetOldest(): void {
    for (const id of this.#untold) {
      this.#untold.delete(id);
      return;
    }
  }
}
