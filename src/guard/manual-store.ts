import type { ManualEntry } from '../policy/guard/manual-entries.ts';

/** Manual entries in force at a time; beyond it a new one is refused. */
export const maxManualEntries = 10_000;
/** Lifted blocks and entries that are remembered, so that no instance that was away brings them back. */
export const maxLifted = 10_000;

/** What a reader has. */
export interface KnownEntries {
  /** Absent: nothing. */
  readonly version?: string;
  /** By the store's clock. */
  readonly sinceMs: number;
}

/** The entries as of one moment, and what was lifted. */
export interface StoredEntries {
  /** The store's clock, ms since the epoch. */
  readonly nowMs: number;
  /** Changes with every change of the entries; absent: the store has none, and may have lost them. */
  readonly version?: string;
  /** By id. Absent: as they were at the version that the caller has. */
  readonly entries?: ReadonlyMap<string, ManualEntry>;
  /** Ids of blocks and entries that were lifted since the time asked for, and do not hold again. */
  readonly lifted: ReadonlySet<string>;
}

/** One entry as it is now. */
export interface FoundEntry {
  /** Absent: there is none. */
  readonly entry?: ManualEntry;
  /** Whether it was lifted, as far as that is remembered. */
  readonly isLifted: boolean;
}

/** What the instances share beside the counts. Every call rejects with `StoreUnavailable` while the store cannot be asked. */
export interface ManualStore {
  /** What was lifted since `sinceMs`, and the entries unless they are of `version`. */
  read(known: KnownEntries): Promise<StoredEntries>;
  find(id: string): Promise<FoundEntry>;
  /** Adds or replaces an entry; false: there are too many. */
  put(id: string, entry: ManualEntry): Promise<boolean>;
  /** Remembers that a block or an entry was lifted; ends it where it is an entry. */
  bury(id: string): Promise<void>;
  /** Forgets that something was lifted: it holds again. */
  unbury(ids: readonly string[]): Promise<void>;
}
