import { knownNoteMs } from '../policy/guard/bounds.ts';
import type { BlockName, LoginFacts, StoredBlock } from '../policy/guard/facts.ts';
import { limitSubjects, pairSubject } from '../policy/limit-subjects.ts';
import type { LimitName } from '../policy/login-limits.ts';
import { StoreUnavailable } from '../proxy/store-unavailable.ts';
import type { BlockNews, SettlementJournal } from './guard-ports.ts';
import type { AccountFacts, CountedFailure, GuardStore, LoginKey } from './guard-store.ts';
import type { MemoryStore } from './memory-store.ts';
import type { SharedClock } from './shared-clock.ts';

/** The store that all instances share. */
export interface SharedStore {
  readonly store: GuardStore;
  /** Whether the last thing heard of it was good. */
  readonly isUp: boolean;
}

/** What a layered store is made of. */
export interface StoreLayers {
  readonly local: MemoryStore;
  /** Absent: the local one is the whole store. */
  readonly shared?: SharedStore;
  /** Without the shared store: the local one stands in, or nobody is asked. */
  readonly onFailure: 'local' | 'refuse';
  readonly journal?: SettlementJournal;
  readonly news?: BlockNews;
  /** The local store's clock as well. */
  readonly clock: SharedClock;
}

/**
 * The shared store and, in front of it, this process's own: that mirrors blocks and owners, and stands in while the shared
 * one is away. Logins are never failed by a store: `undefined` says that none could be asked.
 */
export class LayeredStore {
  readonly #layers: StoreLayers;
  readonly #local: MemoryStore;

  constructor(layers: StoreLayers) {
    this.#layers = layers;
    this.#local = layers.local;
  }

  get health(): { readonly kind: 'redis' | 'memory'; readonly isUp: boolean } {
    const { shared } = this.#layers;
    return shared === undefined ? { kind: 'memory', isUp: true } : { kind: 'redis', isUp: shared.isUp };
  }

  /** What is known of a login, with what is known here: a store that forgot everything lets nobody in, and keeps no owner out. */
  async look(login: LoginKey): Promise<LoginFacts | undefined> {
    const { shared, onFailure, clock } = this.#layers;
    if (shared === undefined) return this.#local.look(login);
    const facts = await attempt(() => shared.store.look(login));
    if (facts === undefined) return onFailure === 'refuse' && !login.isExempt ? undefined : this.#local.look(login);
    clock.follow(facts.nowMs);
    if (facts.blocks.length > 0) this.#local.keepBlocks(facts.blocks);
    return this.#addKnown(login, this.#addBlocks(login, facts));
  }

  #addBlocks(login: LoginKey, facts: LoginFacts): LoginFacts {
    if (this.#local.hasNoBlocks) return facts;
    const ownBlocks = this.#local.findBlocks(limitSubjects(login));
    return ownBlocks.length === 0 ? facts : { ...facts, blocks: longestBlocks([...facts.blocks, ...ownBlocks]) };
  }

  /** An owner of before is not shut out by the blocks that are known here; its next success tells the store again. */
  #addKnown(login: LoginKey, facts: LoginFacts): LoginFacts {
    if (facts.knownSinceMs !== undefined) {
      this.#local.noteKnown(login, facts.knownSinceMs);
      return facts;
    }
    const knownSinceMs = this.#local.knownSinceMs(login);
    if (knownSinceMs === undefined) return facts;
    return { ...facts, knownSinceMs: Math.min(knownSinceMs, facts.nowMs - knownNoteMs) };
  }

  /** Ends a reservation, in its own time: it would end by itself. */
  release(login: LoginKey): void {
    void this.#local.release(login);
    const { shared } = this.#layers;
    if (shared !== undefined) void attempt(() => shared.store.release(login));
  }

  async countFailure(login: LoginKey): Promise<CountedFailure> {
    const { shared, journal, news, clock } = this.#layers;
    if (shared === undefined) return this.#local.countFailure(login);
    const counted = journal?.holds(login.account) ? undefined : await attempt(() => shared.store.countFailure(login));
    if (counted === undefined) {
      journal?.add({ outcome: 'refused', login, pairMembers: [], atMs: clock.nowMs() });
      return this.#local.countFailure(login);
    }
    if (counted.placed.length === 0) return counted;
    this.#local.keepBlocks(counted.placed);
    news?.placed(counted.placed);
    return counted;
  }

  async noteAccepted(login: LoginKey, pairMembers: readonly string[]): Promise<void> {
    const { shared, journal, news, clock } = this.#layers;
    // Here as well: should the shared store go away, owners are known and their own failures forgotten.
    await this.#local.noteAccepted(login, { pairMembers });
    if (shared === undefined) return;
    // Its own block ends with this; an instance that heard of the block would take it for one that the store lost.
    if (pairMembers.length > 0) news?.lifted({ limit: 'perAddressAndAccount', subject: pairSubject(login) });
    const isNoted = journal?.holds(login.account)
      ? undefined
      : await attempt(async () => {
          await shared.store.noteAccepted(login, { pairMembers });
          return true;
        });
    if (isNoted === undefined) journal?.add({ outcome: 'accepted', login, pairMembers, atMs: clock.nowMs() });
  }

  /** Rejects with `StoreUnavailable` where logins are refused for want of the store. */
  listBlocks(): Promise<readonly StoredBlock[]> {
    return this.#ask(async (store) =>
      store === this.#local
        ? store.listBlocks()
        : longestBlocks([...(await store.listBlocks()), ...this.#local.blocks()]),
    );
  }

  /** Rejects as `listBlocks` does. */
  async liftBlock(name: BlockName): Promise<boolean> {
    const { shared, news } = this.#layers;
    // Told before it is done: an instance that looks meanwhile must not take the block for one that the store lost.
    news?.lifted(name);
    const isLiftedHere = await this.#local.liftBlock(name);
    const isLifted = shared === undefined ? false : await this.#ask((store) => store.liftBlock(name));
    return isLifted || isLiftedHere;
  }

  /** Never rejects: without the store what is known here is counted. */
  async countBlocks(): Promise<Readonly<Record<LimitName, number>>> {
    const { shared } = this.#layers;
    const counts = shared === undefined ? undefined : await attempt(() => shared.store.countBlocks());
    return counts ?? this.#local.countBlocks();
  }

  /** `isLocal`: the store is away, and this is what is known here. Rejects as `listBlocks` does. */
  describeAccount(account: string): Promise<AccountFacts & { readonly isLocal: boolean }> {
    const isAlone = this.#layers.shared === undefined;
    return this.#ask(async (store) => ({
      ...(await store.describeAccount(account)),
      isLocal: store === this.#local && !isAlone,
    }));
  }

  async #ask<T>(question: (store: GuardStore) => Promise<T>): Promise<T> {
    const { shared, onFailure } = this.#layers;
    if (shared === undefined) return question(this.#local);
    try {
      return await question(shared.store);
    } catch (error) {
      if (onFailure === 'refuse' || !(error instanceof StoreUnavailable)) throw error;
      return question(this.#local);
    }
  }
}

/** Asks a store; undefined where it cannot be asked. */
async function attempt<T>(question: () => Promise<T>): Promise<T | undefined> {
  try {
    return await question();
  } catch (error) {
    if (error instanceof StoreUnavailable) return undefined;
    throw error;
  }
}

/** One block of each name, the one that lasts longest. */
function longestBlocks(blocks: readonly StoredBlock[]): readonly StoredBlock[] {
  const longest = new Map<string, StoredBlock>();
  for (const block of blocks) {
    const name = `${block.limit} ${block.subject}`;
    if (block.untilMs > (longest.get(name)?.untilMs ?? 0)) longest.set(name, block);
  }
  return [...longest.values()];
}
