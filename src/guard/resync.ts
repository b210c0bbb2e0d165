import { setImmediate } from 'node:timers/promises';
import type { BlockName, StoredBlock } from '../policy/guard/facts.ts';
import type { LimitName } from '../policy/login-limits.ts';
import { StoreUnavailable } from '../proxy/store-unavailable.ts';
import { formatBlockId } from './block-id.ts';
import type { GuardStore } from './guard-store.ts';
import { maxListedBlocks } from './redis/block-index.ts';

/** Seldom enough to cost nothing, and soon enough for whoever lifts a block while messages are lost. */
const intervalMs = 10_000;
/** Of many instances that start together not all ask at once. */
const spread = 0.2;
/** A block that ends within this is left to end. */
const minLeftMs = 2_000;
/** Placed again at once, between two logins' own questions. */
const batchSize = 100;
/** A millisecond's work. */
const blocksBetweenPauses = 2_000;

/** The blocks of a store. */
export type BlockStore = Pick<GuardStore, 'listBlocks' | 'restoreBlocks' | 'liftBlock'>;

/** Both sides, and what was lifted. */
export interface BlockSides {
  /** This process's own, which knows all blocks that it heard of. */
  readonly local: BlockStore;
  readonly shared: BlockStore;
  /** Ids of what was lifted since the last time, and the store's clock. */
  readonly readLifted: () => Promise<{ readonly lifted: ReadonlySet<string>; readonly nowMs: number }>;
}

/**
 * Brings this process's blocks and the shared ones together: what it missed it learns, what was lifted it forgets, and what
 * the shared store lost is placed there again. Rejects with `StoreUnavailable`.
 */
export async function resyncBlocks({ local, shared, readLifted }: BlockSides): Promise<void> {
  const own = await local.listBlocks();
  const common = await shared.listBlocks();
  const { lifted, nowMs } = await readLifted();
  const ownEnds = new Map<string, number>();
  const listed = new Set<string>();
  await forEach(own, (block) => ownEnds.set(nameOf(block), block.untilMs));
  const learnt: StoredBlock[] = [];
  await forEach(common, (block) => {
    const name = nameOf(block);
    listed.add(name);
    if (block.untilMs > (ownEnds.get(name) ?? 0)) learnt.push(block);
  });
  if (learnt.length > 0) await local.restoreBlocks(learnt);
  const listedUntilMs = unlistedBefore(common);
  const lost: StoredBlock[] = [];
  const lingering: StoredBlock[] = [];
  await forEach(own, (block) => {
    if (block.untilMs <= Math.max(nowMs + minLeftMs, listedUntilMs(block.limit)) || listed.has(nameOf(block))) return;
    if (lifted.has(formatBlockId(block))) lingering.push(block);
    else lost.push(block);
  });
  for (const block of lingering) await local.liftBlock(block);
  for (let start = 0; start < lost.length; start += batchSize) {
    await shared.restoreBlocks(lost.slice(start, start + batchSize));
  }
}

/** Where a limit has more blocks than are listed, those that end first are in force all the same: up to when, by limit. */
function unlistedBefore(blocks: readonly StoredBlock[]): (limit: LimitName) => number {
  const earliest = new Map<LimitName, number>();
  for (const [limit, listed] of Map.groupBy(blocks, ({ limit }) => limit)) {
    if (listed.length < maxListedBlocks) continue;
    earliest.set(
      limit,
      listed.reduce((least, { untilMs }) => Math.min(least, untilMs), Number.POSITIVE_INFINITY),
    );
  }
  return (limit) => earliest.get(limit) ?? 0;
}

/** With pauses: there may be tens of thousands, and logins wait meanwhile. */
async function forEach(blocks: readonly StoredBlock[], look: (block: StoredBlock) => void): Promise<void> {
  for (const [index, block] of blocks.entries()) {
    if (index % blocksBetweenPauses === blocksBetweenPauses - 1) await setImmediate();
    look(block);
  }
}

/** A block id says the same, and takes ten times as long to make. */
function nameOf({ limit, subject }: BlockName): string {
  return `${limit} ${subject}`;
}

/** Runs a resync from time to time and when it is asked for, one at a time. What the store cannot do now is done the next time. */
export class ResyncLoop implements Disposable {
  readonly #resync: () => Promise<void>;
  readonly #onFailure: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isWanted = false;
  #isDisposed = false;

  /** `onFailure` is told of errors other than `StoreUnavailable`. */
  constructor(resync: () => Promise<void>, onFailure: (error: unknown) => void) {
    this.#resync = resync;
    this.#onFailure = onFailure;
    this.#schedule();
  }

  /** Resyncs as soon as may be: what happened before this call is seen. Never rejects. */
  runNow(): Promise<void> {
    this.#isWanted = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    clearTimeout(this.#timer);
  }

  async #run(): Promise<void> {
    while (this.#isWanted && !this.#isDisposed) {
      this.#isWanted = false;
      try {
        await this.#resync();
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) this.#onFailure(error);
      }
    }
    this.#schedule();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#isDisposed) return;
    const delayMs = intervalMs * (1 + spread * (Math.random() - 0.5));
    this.#timer = setTimeout(() => void this.runNow(), delayMs).unref();
  }
}
