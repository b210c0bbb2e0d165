import type { LimitSubjects } from '../policy/limit-subjects.ts';
import type { LimitName } from '../policy/login-limits.ts';

/** A limit that refuses logins right now. */
export interface ActiveBlock {
  readonly limit: LimitName;
  readonly subject: string;
  readonly remainingMs: number;
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
  /** The blocks that stand in the way of a login. */
  findBlocks(subjects: LimitSubjects): Promise<readonly ActiveBlock[]>;
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
