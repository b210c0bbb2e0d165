import type { LimitName } from '../policy/login-limits.ts';

/** One login as a store knows it. No password: only hashes made with the guard's key. */
export interface LoginKey {
  /** Lower case, bounded. */
  readonly account: string;
  /** What one host has: an IPv4 address, an IPv6 /64. */
  readonly address: string;
  /** The network around it: IPv4 /24, IPv6 /48. */
  readonly network: string;
  /** Keyed hash of account and password, 16 hexadecimal digits. */
  readonly credential: string;
  /** Keyed hash of the account, 16 hexadecimal digits. */
  readonly accountHash: string;
}

/** A block that holds. */
export interface StoredBlock {
  readonly limit: LimitName;
  readonly subject: string;
  /** By the store's clock, ms since the epoch. */
  readonly untilMs: number;
  /** How many blocks in a row, this one included. */
  readonly strikes: number;
  /** Somebody logged in successfully from there within `knownFor`: the address is then not refused at accept. */
  readonly hasOwners: boolean;
}

/** Names one block. */
export interface BlockName {
  readonly limit: LimitName;
  readonly subject: string;
}

/** What a store knows of a login before it is tried. */
export interface LoginFacts {
  /** The store's clock, ms since the epoch: everything else here is measured by it. */
  readonly nowMs: number;
  readonly blocks: readonly StoredBlock[];
  /** When this address last logged in to this account, as far as it is remembered. */
  readonly knownSinceMs?: number;
  /** Until when the credential counts as refused. */
  readonly refusedUntilMs?: number;
  /** The last successful login to the account. */
  readonly lastLoginMs?: number;
  /** Live sessions of the account, on all instances. */
  readonly liveSessions: number;
  /** Members that this pair has counted, for a success to clear. */
  readonly pairMembers: readonly string[];
  /** Failures counted for the address within its window. */
  readonly addressFailures: number;
  /** False: as many strangers' logins to the account are under way as may still fail. */
  readonly isReserved: boolean;
}

/** What a refused login led to. */
export interface CountedFailure {
  readonly placed: readonly StoredBlock[];
  /** Failures counted for the address within its window, this one included. */
  readonly addressFailures: number;
}

/** What to note of a login that succeeded. */
export interface AcceptedNote {
  /** `LoginFacts.pairMembers`: cleared from every limit. */
  readonly pairMembers: readonly string[];
  /** 12 bits of the credential, 3 hexadecimal digits. */
  readonly acceptedPrefix: string;
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

/** One live session for `sessionsPerAccount` and `singleSession`. */
export interface LiveSession {
  readonly account: string;
  readonly sessionId: string;
}

/**
 * Where the guard's knowledge is kept. Every call rejects with `StoreUnavailable` while the store cannot be asked.
 * `atMs` replays what happened while it was away; absent: now, by the store's clock.
 */
export interface GuardStore {
  /** What stands in the way of a login. Reserves it for strangers, unless something blocks it. One round trip. */
  look(login: LoginKey): Promise<LoginFacts>;
  /** Ends a reservation. */
  release(login: LoginKey): Promise<void>;
  /** Remembers and counts a refused login, and ends its reservation. One round trip. */
  countFailure(login: LoginKey, atMs?: number): Promise<CountedFailure>;
  /** Notes a login that succeeded, and ends its reservation. One round trip. */
  noteAccepted(login: LoginKey, note: AcceptedNote, atMs?: number): Promise<void>;
  /** Leases for live sessions, and those that ended. */
  noteSessions(change: { readonly live: readonly LiveSession[]; readonly ended: readonly LiveSession[] }): Promise<void>;
  describeAccount(account: string): Promise<AccountFacts>;
  /** The blocks in force, those that end last first where there are too many to list. */
  listBlocks(): Promise<readonly StoredBlock[]>;
  /** Places blocks that another instance or the time without the store had; never shortens one. */
  restoreBlocks(blocks: readonly StoredBlock[]): Promise<void>;
  /** Ends a block and forgets its strikes and counts; false where there is none. */
  liftBlock(name: BlockName): Promise<boolean>;
  countBlocks(): Promise<Readonly<Record<LimitName, number>>>;
}
