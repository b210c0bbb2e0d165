import type { BlockName, LoginFacts, StoredBlock } from '../policy/guard/facts.ts';
import type { LoginPlace } from '../policy/limit-subjects.ts';
import type { LimitName } from '../policy/login-limits.ts';
import type { LiveSession } from '../proxy/ports.ts';

/** One login as a store knows it. No password: only hashes made with the guard's key. */
export interface LoginKey extends LoginPlace {
  /** Tells it apart from all others that are under way: a session has one login at a time. */
  readonly sessionId: string;
  /** Keyed hash of account and password, 16 hexadecimal digits. */
  readonly credential: string;
  /** Keyed hash of the account, 16 hexadecimal digits. */
  readonly accountHash: string;
  /** No limit applies to the address: nothing is reserved or counted. Refused credentials are remembered all the same. */
  readonly isExempt: boolean;
}

/** What a refused login led to. */
export interface CountedFailure {
  /** The store's clock, ms since the epoch. */
  readonly nowMs: number;
  readonly placed: readonly StoredBlock[];
  /** Failures counted for the address within its window, this one included; 0 for an exempt one. */
  readonly addressFailures: number;
}

/** What to note of a login that succeeded. */
export interface AcceptedNote {
  /** `LoginFacts.pairMembers`: cleared from every limit. */
  readonly pairMembers: readonly string[];
  /** Replays what happened while the store was away; absent: now, by the store's clock. */
  readonly atMs?: number;
}

/** What a store knows of an account. */
export interface AccountFacts {
  readonly nowMs: number;
  readonly blocks: readonly StoredBlock[];
  readonly counts: Readonly<Partial<Record<LimitName, number>>>;
  /** Addresses that logged in, with the last time, ms. */
  readonly knownAddresses: readonly { readonly address: string; readonly lastLoginMs: number }[];
  /** When refused passwords that are remembered lapse, ms. */
  readonly refusedUntilMs: readonly number[];
  readonly lastLoginMs?: number;
  readonly liveSessions: number;
}

/** Where the guard's knowledge is kept. Every call rejects with `StoreUnavailable` while the store cannot be asked. */
export interface GuardStore {
  /** What stands in the way of a login. Reserves it for strangers, unless something blocks it. One round trip. */
  look(login: LoginKey): Promise<LoginFacts>;
  /** Ends a reservation. */
  release(login: LoginKey): Promise<void>;
  /**
   * Remembers and counts a refused login, and ends its reservation. One round trip. `atMs` replays what happened while
   * the store was away; absent: now, by the store's clock.
   */
  countFailure(login: LoginKey, atMs?: number): Promise<CountedFailure>;
  /** Notes a login that succeeded, and ends its reservation. One round trip. */
  noteAccepted(login: LoginKey, note: AcceptedNote): Promise<void>;
  /** Leases for live sessions, and those that ended. */
  noteSessions(change: {
    readonly live: readonly LiveSession[];
    readonly ended: readonly LiveSession[];
  }): Promise<void>;
  describeAccount(account: string): Promise<AccountFacts>;
  /** The blocks in force, those that end last first where there are too many to list. */
  listBlocks(): Promise<readonly StoredBlock[]>;
  /** Places blocks that another instance or the time without the store had; never shortens one. */
  restoreBlocks(blocks: readonly StoredBlock[]): Promise<void>;
  /** Ends a block and forgets its strikes and counts; false where there is none. */
  liftBlock(name: BlockName): Promise<boolean>;
  countBlocks(): Promise<Readonly<Record<LimitName, number>>>;
}
