import { setImmediate } from 'node:timers/promises';
import type { StoredBlock } from '../policy/guard/facts.ts';
import { StoreUnavailable } from '../proxy/store-unavailable.ts';
import type { Settlement, SettlementJournal } from './guard-ports.ts';
import type { GuardStore } from './guard-store.ts';

/** At about 400 octets each, some 4 MB. */
export const maxJournalEntries = 10_000;
/** Sent at once, between two logins' own questions: some 2 ms of Redis's time. */
const batchSize = 32;

/** Replays are tried when the store is back: what fails so often, such as a key that holds somebody else's data, always will. */
const maxHeadFailures = 5;

/** Where the journal goes, and who is told of what it loses. */
export interface JournalOptions {
  readonly store: Pick<GuardStore, 'countFailure' | 'noteAccepted'>;
  /** Told of blocks that a replay led to. */
  readonly onPlaced: (blocks: readonly StoredBlock[]) => void;
  /** Told once per outage that the oldest are dropped from now on. */
  readonly onOverflow: () => void;
}

/** What happened while the shared store was away, in order, bounded; replayed with its times when the store is back. */
export class Journal implements SettlementJournal {
  readonly #options: JournalOptions;
  #settlements: Settlement[] = [];
  /** How many settlements of an account wait. */
  readonly #waiting = new Map<string, number>();
  #hasOverflowed = false;
  /** How often the oldest was not taken. */
  #headFailures = 0;
  #replaying: Promise<void> | undefined;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#settlements.length;
  }

  /** Whether something of the account waits: what follows must wait behind it, or it would be counted in the wrong order. */
  holds(account: string): boolean {
    return this.#waiting.has(account);
  }

  add(settlement: Settlement): void {
    this.#settlements.push(settlement);
    this.#count(settlement, 1);
    if (this.#settlements.length <= maxJournalEntries) return;
    // A tenth at once: dropping the first of ten thousand each time would move all the others.
    for (const dropped of this.#settlements.splice(0, maxJournalEntries / 10)) this.#count(dropped, -1);
    if (this.#hasOverflowed) return;
    this.#hasOverflowed = true;
    this.#options.onOverflow();
  }

  /** Tells the store everything, as far as it takes it. Never rejects; a second call while one is under way joins it. */
  replay(): Promise<void> {
    this.#replaying ??= this.#replay().finally(() => {
      this.#replaying = undefined;
    });
    return this.#replaying;
  }

  async #replay(): Promise<void> {
    while (this.#settlements.length > 0) {
      const batch = this.#settlements.slice(0, batchSize);
      const results = await Promise.allSettled(batch.map((settlement) => this.#tell(settlement)));
      const failed = results.findIndex(isUnavailable);
      // The store counts distinct members: what it did take before it failed may come a second time.
      this.#forget(failed === -1 ? batch : batch.slice(0, failed));
      if (failed !== -1 && !this.#giveUpHead(failed)) return;
      await setImmediate();
    }
    this.#hasOverflowed = false;
  }

  /** Whether the oldest is dropped: the store is back, and it is this one alone that it does not take. */
  #giveUpHead(failed: number): boolean {
    this.#headFailures = failed === 0 ? this.#headFailures + 1 : 1;
    if (this.#headFailures < maxHeadFailures) return false;
    this.#headFailures = 0;
    this.#forget(this.#settlements.slice(0, 1));
    return true;
  }

  async #tell({ outcome, login, pairMembers, atMs }: Settlement): Promise<void> {
    if (outcome === 'refused') {
      const { placed, nowMs } = await this.#options.store.countFailure(login, atMs);
      const inForce = placed.filter(({ untilMs }) => untilMs > nowMs);
      if (inForce.length > 0) this.#options.onPlaced(inForce);
    } else await this.#options.store.noteAccepted(login, { pairMembers, atMs });
  }

  /** The oldest may have been dropped meanwhile to make room. */
  #forget(told: readonly Settlement[]): void {
    const settled = new Set(told);
    const kept = this.#settlements.findIndex((settlement) => !settled.has(settlement));
    for (const settlement of this.#settlements.splice(0, kept === -1 ? this.#settlements.length : kept)) {
      this.#count(settlement, -1);
    }
  }

  #count({ login: { account } }: Settlement, change: 1 | -1): void {
    const count = (this.#waiting.get(account) ?? 0) + change;
    if (count > 0) this.#waiting.set(account, count);
    else this.#waiting.delete(account);
  }
}

/** Whatever else goes wrong with one would go wrong with it again: it is left out, and the others go on. */
function isUnavailable(result: PromiseSettledResult<void>): boolean {
  return result.status === 'rejected' && result.reason instanceof StoreUnavailable;
}
