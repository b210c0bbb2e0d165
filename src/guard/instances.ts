import type { RedisChannel } from '../net/redis-connection.ts';
import type { BlockName, StoredBlock } from '../policy/guard/facts.ts';
import type { ManualEntry } from '../policy/guard/manual-entries.ts';
import type { LoginLimits } from '../policy/login-limits.ts';
import type { Report } from '../proxy/events.ts';
import { StoreUnavailable } from '../proxy/store-unavailable.ts';
import { formatBlockId } from './block-id.ts';
import type { BlockNews } from './guard-ports.ts';
import type { HashKey } from './hash-key.ts';
import type { Journal } from './journal.ts';
import { SharedManualList } from './manual-list.ts';
import type { ManualStore } from './manual-store.ts';
import { maxBlocksPerMessage, type News, NewsWire } from './news.ts';
import { type BlockStore, ResyncLoop, resyncBlocks } from './resync.ts';
import { SessionEnds } from './session-ends.ts';
import type { SharedClock } from './shared-clock.ts';
import { Tombstones } from './tombstones.ts';

/** Entries that others changed and that are read one by one; beyond it all are read at once. */
const maxPendingRefreshes = 100;
const ownError = 'News of the other instances were lost for an error of our own';

/** What the instances share, and what each does in its own process. */
export interface InstancesOptions {
  readonly channel: RedisChannel;
  /** This process's own blocks. */
  readonly local: BlockStore;
  readonly shared: BlockStore;
  readonly manualStore: ManualStore;
  readonly journal: Pick<Journal, 'replay'>;
  readonly key: Pick<HashKey, 'refresh'>;
  readonly limits: LoginLimits;
  readonly report: Report;
  readonly clock: SharedClock;
  /** Ends a session of this process, for the admin named `by`; false: it is not open here. */
  readonly endHere: (sessionId: string, by: string) => boolean;
  /** Told of a manual block that is new here, whichever instance it was added at. */
  readonly onManualBlock: (entry: ManualEntry) => void;
  /** Told of what went wrong between the instances, in words that hold nothing of a login. */
  readonly onTrouble: (detail: string) => void;
}

/** Keeps the instances of one truth: each tells the others at once, and now and then looks for what it missed. */
export class Instances implements BlockNews, Disposable {
  readonly manual: SharedManualList;
  readonly #options: InstancesOptions;
  readonly #tombstones: Tombstones;
  readonly #wire: NewsWire;
  readonly #ends: SessionEnds;
  readonly #loop: ResyncLoop;

  constructor(options: InstancesOptions) {
    this.#options = options;
    const { channel, manualStore: store, report, clock, onManualBlock, onTrouble } = options;
    this.#tombstones = new Tombstones(store);
    this.manual = new SharedManualList({
      shared: { store, tombstones: this.#tombstones },
      onChange: (id) => this.#tell({ kind: 'entryChanged', id }),
      onBlock: onManualBlock,
      report,
      nowMs: clock.nowMs,
    });
    this.#ends = new SessionEnds({ tell: (news) => this.#wire.tell(news), endHere: options.endHere });
    this.#loop = new ResyncLoop(
      () => this.#resync(),
      () => onTrouble(ownError),
    );
    this.#wire = new NewsWire({
      channel,
      onNews: (news) => this.#hear(news).catch(() => onTrouble(ownError)),
      onGap: () => void this.#loop.runNow(),
      onUnknown: onTrouble,
    });
  }

  placed(blocks: readonly StoredBlock[]): void {
    if (blocks.length === 0) return;
    for (let start = 0; start < blocks.length; start += maxBlocksPerMessage) {
      this.#tell({ kind: 'blocksPlaced', blocks: blocks.slice(start, start + maxBlocksPerMessage) });
    }
    void this.#tombstones.unbury(blocks.map(formatBlockId));
  }

  /** To be called before the block is lifted: whoever misses it looks here for the reason. */
  lifted({ limit, subject }: BlockName): void {
    this.#tell({ kind: 'blockLifted', limit, subject });
    void this.#tombstones.bury(formatBlockId({ limit, subject }));
  }

  /** Ends a session wherever it is, for the admin named `by`. False: it is not open. Never rejects. */
  endSession(sessionId: string, by: string): Promise<boolean> {
    return this.#ends.end(sessionId, by);
  }

  /** The shared store is back: it is told what it missed. Never rejects. */
  async catchUp(): Promise<void> {
    await this.#options.journal.replay();
    await this.#loop.runNow();
  }

  [Symbol.dispose](): void {
    this.#loop[Symbol.dispose]();
  }

  /** Who misses it learns of it at the next resync. */
  #tell(news: News): void {
    this.#wire.tell(news).catch(() => undefined);
  }

  async #hear(news: News): Promise<void> {
    const { local } = this.#options;
    switch (news.kind) {
      case 'blocksPlaced':
        return local.restoreBlocks(news.blocks.map((block) => this.#bounded(block)));
      case 'blockLifted':
        await local.liftBlock(news);
        return;
      case 'entryChanged':
        return this.#refresh(news.id);
      case 'endSession':
      case 'sessionEnded':
        return this.#ends.hear(news);
      default:
        news satisfies never;
    }
  }

  /** No block is longer than its limit says, whoever tells of it. */
  #bounded(block: StoredBlock): StoredBlock {
    const latestMs = this.#options.clock.nowMs() + this.#options.limits[block.limit].maxBlockMs;
    return { ...block, untilMs: Math.min(block.untilMs, latestMs) };
  }

  async #refresh(id: string): Promise<void> {
    if (this.manual.pendingRefreshes >= maxPendingRefreshes) return this.#loop.runNow();
    try {
      await this.manual.refresh(id);
    } catch (error) {
      // Where the store is away a resync follows when it is back.
      if (!(error instanceof StoreUnavailable)) this.#options.onTrouble(ownError);
    }
  }

  async #resync(): Promise<void> {
    const { local, shared, journal, clock, key } = this.#options;
    await key.refresh();
    await resyncBlocks({
      local,
      shared,
      // Behind the lists: who lifts a block tells of it first, so that one which is not listed any more is known to be lifted.
      readLifted: async () => {
        const read = await this.manual.resync();
        clock.follow(read.nowMs);
        return read;
      },
    });
    await journal.replay();
  }
}
