import type { LimitName } from '../login-limits.ts';

/** Names one block. */
export interface BlockName {
  readonly limit: LimitName;
  readonly subject: string;
}

/** A block that holds. */
export interface StoredBlock extends BlockName {
  /** By the store's clock, ms since the epoch. */
  readonly untilMs: number;
  /** How many blocks in a row, this one included. */
  readonly strikes: number;
  /** Somebody logged in successfully from there within `knownFor`: the address is then not refused at accept. */
  readonly hasOwners: boolean;
}

/** What a store knows of a login before it is tried. */
export interface LoginFacts {
  /** The store's clock, ms since the epoch: everything else here is measured by it. */
  readonly nowMs: number;
  readonly blocks: readonly StoredBlock[];
  /** When a login of this address to this account was last noted; absent: not within `knownFor`. */
  readonly knownSinceMs?: number;
  /** Until when the credential counts as refused. */
  readonly refusedUntilMs?: number;
  /** The last successful login to the account that was noted. */
  readonly lastLoginMs?: number;
  /** Ids of the account's live sessions that were told of, on all instances; at most `maxListedSessions`. */
  readonly liveSessionIds: readonly string[];
  /** Members that this pair has counted, for a success to clear. */
  readonly pairMembers: readonly string[];
  /** Failures counted for the address within its window. */
  readonly addressFailures: number;
  /** The credential begins like one of the account's last accepted ones. */
  readonly isAccepted: boolean;
  /** A stranger's login that found room. False: as many strangers' logins are under way as may still fail, or it needs none. */
  readonly isReserved: boolean;
}
