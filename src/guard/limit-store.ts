import type { LimitSubjects } from '../policy/limit-subjects.ts';
import type { LimitName } from '../policy/login-limits.ts';

/** A limit that refuses logins right now. */
export interface ActiveBlock {
  readonly limit: LimitName;
  readonly subject: string;
  readonly remainingMs: number;
}

/** What a store has on a login. */
export interface LimitRecord {
  readonly blocks: readonly ActiveBlock[];
  /** Whether failures of this account from this address are counted. */
  readonly hasFailures: boolean;
}

/** A block that a refused login has just led to. */
export interface PlacedBlock {
  readonly limit: LimitName;
  readonly subject: string;
  readonly durationMs: number;
}

/** Names one block. */
export interface BlockName {
  readonly limit: LimitName;
  readonly subject: string;
}

/** Where failures and blocks are kept. Every call rejects with `StoreUnavailable` while the store cannot be asked. */
export interface LimitStore {
  readonly kind: 'redis' | 'memory';
  readonly isUp: boolean;
  /** What stands in the way of a login, and what there is to forget should it succeed. */
  look(subjects: LimitSubjects): Promise<LimitRecord>;
  /** Counts a refused login against every limit. */
  countFailure(subjects: LimitSubjects): Promise<readonly PlacedBlock[]>;
  /** Forgets the failures counted since the last block. */
  clearFailures(name: BlockName): Promise<void>;
  /** Ends a block and forgets the earlier ones; false where there is none. */
  liftBlock(name: BlockName): Promise<boolean>;
  /** The blocks in force, those that end last first where there are too many to list. */
  listBlocks(): Promise<readonly ActiveBlock[]>;
  countBlocks(): Promise<Record<LimitName, number>>;
}
