import {
  ManualEntries,
  type ManualEntry,
  type ManualVerdict,
  type MatchedLogin,
} from '../policy/guard/manual-entries.ts';
import type { Report } from '../proxy/events.ts';
import { StoreUnavailable } from '../proxy/store-unavailable.ts';
import type { Block } from './block.ts';
import { formatEntryId, subjectOf } from './entry-id.ts';
import { EntryRefused, readEntryRequest } from './entry-request.ts';
import type { ManualList, NewEntry } from './guard-ports.ts';
import { type ManualStore, maxManualEntries, type StoredEntries } from './manual-store.ts';
import type { Tombstones } from './tombstones.ts';

/** How far back a resync looks for what was lifted, behind the last one: scripts of one Redis run in order, clocks may step. */
const overlapMs = 60_000;

/** Where the entries are shared, and who is told. */
export interface ManualListOptions {
  /** Absent: the entries are this process's alone, and end with it. */
  readonly shared?: { readonly store: ManualStore; readonly tombstones: Tombstones };
  /** Told of an entry that was added or lifted here. Never throws. */
  readonly onChange: (id: string) => void;
  /** Told of a block that is new here, whichever instance it was added at. Never throws. */
  readonly onBlock: (entry: ManualEntry) => void;
  readonly report: Report;
  /** The store's clock, as far as it is known here; ms since the epoch. */
  readonly nowMs: () => number;
}

/** The manual entries: this process's copy, which logins are matched against at once, and how it keeps up with the others. */
export class SharedManualList implements ManualList {
  readonly #options: ManualListOptions;
  readonly #matcher = new ManualEntries();
  readonly #entries = new Map<string, ManualEntry>();
  /** Ids of entries that were added here and that the shared store does not have yet. */
  readonly #unshared = new Set<string>();
  readonly #toRefresh = new Set<string>();
  /** The shared entries that this copy is made of. */
  #version: string | undefined;
  #resyncedAtMs = 0;
  /** None ends before this. */
  #nextEndMs = Number.POSITIVE_INFINITY;
  /** One change after the other: what was read before a change must not undo it. */
  #lastChange: Promise<unknown> = Promise.resolve();

  constructor(options: ManualListOptions) {
    this.#options = options;
  }

  match(login: MatchedLogin): ManualVerdict {
    return this.#matcher.match(login, this.#options.nowMs());
  }

  async list(): Promise<readonly Block[]> {
    this.#dropEnded();
    return Array.from(this.#entries, ([id, entry]) => describeEntry(id, entry));
  }

  /**
   * Adds an entry in place of one with the same effect and target. Rejects with `EntryRefused`. Without the store it
   * holds here, and everywhere as soon as the store is back.
   */
  add(request: NewEntry, by: string): Promise<Block> {
    return this.#inTurn(async () => {
      const entry = readEntryRequest(request, { by, nowMs: this.#options.nowMs() });
      const id = formatEntryId(entry);
      this.#dropEnded();
      const isFull = !this.#entries.has(id) && this.#entries.size >= maxManualEntries;
      if (isFull || (await this.#share(id, entry)) === 'full') {
        throw new EntryRefused(`Cannot add the entry: there are ${maxManualEntries} already; lift some first`);
      }
      this.#keep(id, entry);
      const { effect, reason, untilMs } = entry;
      const subject = subjectOf(entry.target);
      this.#options.report({
        kind: 'blockAdded',
        effect,
        subject,
        reason,
        by,
        ...(untilMs !== undefined && { untilMs }),
      });
      this.#options.onChange(id);
      return describeEntry(id, entry);
    });
  }

  /** Ends an entry here and in the store, which hears of it later where it is away. */
  lift(id: string, by: string): Promise<boolean> {
    return this.#inTurn(async () => {
      const entry = this.#entries.get(id);
      if (entry === undefined) return false;
      this.#drop(id);
      await this.#options.shared?.tombstones.bury(id);
      this.#options.report({ kind: 'blockLifted', subject: subjectOf(entry.target), by });
      this.#options.onChange(id);
      return true;
    });
  }

  get pendingRefreshes(): number {
    return this.#toRefresh.size;
  }

  /** Another instance added or lifted an entry. Rejects with `StoreUnavailable` where the store cannot tell. */
  async refresh(id: string): Promise<void> {
    // What is still to be read will be read as it is then.
    if (this.#toRefresh.has(id)) return;
    this.#toRefresh.add(id);
    await this.#inTurn(async () => {
      this.#toRefresh.delete(id);
      const found = await this.#options.shared?.store.find(id);
      if (found?.entry !== undefined) this.#keep(id, found.entry);
      else if (found?.isLifted) this.#drop(id);
    });
  }

  /**
   * Brings this copy and the store together, and gives the store what it lost. Resolves to what was lifted of late, by the
   * store's clock. Rejects with `StoreUnavailable`.
   */
  resync(): Promise<Pick<StoredEntries, 'lifted' | 'nowMs'>> {
    return this.#inTurn(async () => {
      const { shared } = this.#options;
      if (shared === undefined) return { lifted: new Set(), nowMs: this.#options.nowMs() };
      await shared.tombstones.flush();
      const stored = await shared.store.read({
        sinceMs: Math.max(this.#resyncedAtMs - overlapMs, 0),
        ...(this.#version !== undefined && { version: this.#version }),
      });
      this.#dropEnded();
      for (const id of [...this.#unshared, ...this.#merge(stored)]) await this.#give(id, shared.store);
      this.#version = stored.version;
      this.#resyncedAtMs = stored.nowMs;
      return stored;
    });
  }

  /** Takes what the store has; tells which entries the store lost. */
  #merge({ entries, lifted }: StoredEntries): readonly string[] {
    if (entries === undefined) return [];
    for (const [id, entry] of entries) {
      // One that was added here while the store was away is newer.
      if (!this.#unshared.has(id)) this.#keep(id, entry);
    }
    const missing = [...this.#entries.keys()].filter((id) => !entries.has(id) && !this.#unshared.has(id));
    for (const id of missing) if (lifted.has(id)) this.#drop(id);
    return missing.filter((id) => !lifted.has(id));
  }

  /** Where the store is full of the others' entries, this one holds here alone. */
  async #give(id: string, store: ManualStore): Promise<void> {
    const entry = this.#entries.get(id);
    if (entry !== undefined) await store.put(id, entry);
    this.#unshared.delete(id);
    this.#options.onChange(id);
  }

  async #share(id: string, entry: ManualEntry): Promise<'shared' | 'full' | 'later'> {
    const { shared } = this.#options;
    if (shared === undefined) return 'shared';
    try {
      if (!(await shared.store.put(id, entry))) return 'full';
      this.#unshared.delete(id);
      shared.tombstones.forget(id);
      return 'shared';
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      this.#unshared.add(id);
      shared.tombstones.forget(id);
      return 'later';
    }
  }

  #keep(id: string, entry: ManualEntry): void {
    if (endOf(entry) <= this.#options.nowMs()) return;
    if (!this.#entries.has(id) && this.#entries.size >= maxManualEntries) return;
    const isNew = this.#entries.get(id)?.addedAtMs !== entry.addedAtMs;
    if (!this.#matcher.add(entry)) return;
    this.#entries.set(id, entry);
    this.#nextEndMs = Math.min(this.#nextEndMs, endOf(entry));
    if (isNew && entry.effect === 'block') this.#options.onBlock(entry);
  }

  #drop(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    this.#unshared.delete(id);
    this.#matcher.remove(entry);
  }

  #dropEnded(): void {
    const nowMs = this.#options.nowMs();
    if (nowMs < this.#nextEndMs) return;
    for (const [id, entry] of this.#entries) if (endOf(entry) <= nowMs) this.#drop(id);
    this.#nextEndMs = Array.from(this.#entries.values(), endOf).reduce(
      (next, endMs) => Math.min(next, endMs),
      Number.POSITIVE_INFINITY,
    );
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.#lastChange.then(change);
    this.#lastChange = turn.catch(() => undefined);
    return turn;
  }
}

function endOf({ untilMs }: ManualEntry): number {
  return untilMs ?? Number.POSITIVE_INFINITY;
}

function describeEntry(id: string, { effect, target, reason, by, addedAtMs, untilMs }: ManualEntry): Block {
  const ends = untilMs === undefined ? {} : { untilMs };
  return { id, effect, origin: 'manual', subject: subjectOf(target), reason, by, addedAtMs, ...ends };
}
