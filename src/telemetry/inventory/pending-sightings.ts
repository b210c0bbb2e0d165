import { formatKey, type InventoryEntry, mergeEntries } from './inventory-entry.ts';

/**
 * Entries that wait to be written while their store is slow or gone, some 3 MB at most. Logins of one client share one,
 * so that an outage has to see this many different clients before anything is lost.
 */
const maxPending = 10_000;

/** Sightings on their way to a store: merged by key, bounded. */
export class PendingSightings {
  readonly #pending = new Map<string, InventoryEntry>();

  get size(): number {
    return this.#pending.size;
  }

  /** False where there is no room: the sighting is lost. */
  add(sighting: InventoryEntry): boolean {
    const key = formatKey(sighting);
    const known = this.#pending.get(key);
    if (known === undefined && this.#pending.size >= maxPending) return false;
    this.#pending.set(key, known === undefined ? sighting : mergeEntries(known, sighting));
    return true;
  }

  /** Takes out the `count` that came first. */
  take(count: number): readonly InventoryEntry[] {
    const taken: InventoryEntry[] = [];
    for (const [key, sighting] of this.#pending) {
      if (taken.length === count) break;
      taken.push(sighting);
      this.#pending.delete(key);
    }
    return taken;
  }
}
