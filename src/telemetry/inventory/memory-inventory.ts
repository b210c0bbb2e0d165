import type { GateEvent } from '../../proxy/events.ts';
import type { Inventory, InventoryBounds, InventoryPage, InventoryQuery } from './inventory.ts';
import { formatKey, type InventoryEntry, mergeEntries, sightingOf } from './inventory-entry.ts';
import { matchesKey, startAfter, toPage } from './inventory-query.ts';

/** The inventory in this process's memory. */
export class MemoryInventory implements Inventory {
  readonly #bounds: InventoryBounds;
  readonly #nowMs: () => number;
  /** By formatted key, the one last seen the longest ago first. */
  readonly #entries = new Map<string, InventoryEntry>();

  constructor(bounds: InventoryBounds, nowMs: () => number = Date.now) {
    this.#bounds = bounds;
    this.#nowMs = nowMs;
  }

  record(event: GateEvent): void {
    const sighting = sightingOf(event, this.#nowMs());
    if (sighting === undefined) return;
    this.#forgetExpired();
    const key = formatKey(sighting);
    const known = this.#entries.get(key);
    // Set anew, it stands last.
    this.#entries.delete(key);
    this.#entries.set(key, known === undefined ? sighting : mergeEntries(known, sighting));
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > this.#bounds.maxEntries && oldest !== undefined) this.#entries.delete(oldest);
  }

  async list(query: InventoryQuery): Promise<InventoryPage> {
    this.#forgetExpired();
    const found = firstInOrder(this.#matching(query), query.limit + 1);
    return toPage(
      found.map(([, entry]) => entry),
      query.limit,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#entries.clear();
  }

  *#matching(query: InventoryQuery): Generator<readonly [string, InventoryEntry]> {
    const after = startAfter(query) ?? '';
    const sinceMs = query.sinceMs ?? 0;
    for (const [key, entry] of this.#entries) {
      if (key > after && entry.lastSeenMs >= sinceMs && matchesKey(entry, query)) yield [key, entry];
    }
  }

  #forgetExpired(): void {
    const expiredMs = this.#nowMs() - this.#bounds.retentionMs;
    for (const [key, { lastSeenMs }] of this.#entries) {
      if (lastSeenMs > expiredMs) return;
      this.#entries.delete(key);
    }
  }
}

/** The `count` first of many in the order of their keys, without sorting all of them. */
function firstInOrder<T>(items: Iterable<readonly [string, T]>, count: number): (readonly [string, T])[] {
  let first: (readonly [string, T])[] = [];
  const cut = () => {
    first = first.sort(([one], [other]) => (one < other ? -1 : 1)).slice(0, count);
  };
  let last: string | undefined;
  for (const item of items) {
    if (last !== undefined && item[0] > last) continue;
    first.push(item);
    if (first.length < 2 * count) continue;
    cut();
    last = first.at(-1)?.[0];
  }
  cut();
  return first;
}
