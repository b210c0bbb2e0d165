import type { NetworkFilter } from '../../policy/network-filter.ts';
import type { Transport } from '../../policy/transport.ts';
import type { GateEvent } from '../../proxy/events.ts';
import type { InventoryEntry } from './inventory-entry.ts';

/** How much the inventory remembers. */
export interface InventoryBounds {
  /** An entry is forgotten when nobody logged in that way for so long. */
  readonly retentionMs: number;
  /** Beyond it, the entries last seen the longest ago are forgotten. */
  readonly maxEntries: number;
}

/** Which entries to list. Filters are exact, but for networks; all of them have to match. */
export interface InventoryQuery {
  readonly account?: string;
  readonly listener?: string;
  readonly transport?: Transport;
  readonly isEncrypted?: boolean;
  readonly networks?: readonly NetworkFilter[];
  /** Only what was seen then or later, ms since the epoch. */
  readonly sinceMs?: number;
  /** At most so many, ≥ 1. */
  readonly limit: number;
  /** The `nextCursor` of the page before; any other text starts somewhere. */
  readonly cursor?: string;
}

/** A page of entries in the order of account, network, listener and transport. */
export interface InventoryPage {
  readonly entries: readonly InventoryEntry[];
  /** Absent on the last page. What is seen meanwhile makes no entry appear twice or not at all. */
  readonly nextCursor?: string;
}

/** Remembers who logs in with which encryption. */
export interface Inventory extends AsyncDisposable {
  /** Takes every event and remembers accepted logins. Returns at once and never throws. */
  record(event: GateEvent): void;
  /** Rejects while the store cannot be asked. */
  list(query: InventoryQuery): Promise<InventoryPage>;
}
