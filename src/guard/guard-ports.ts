import type { BlockName, StoredBlock } from '../policy/guard/facts.ts';
import type { EntryTarget, ManualVerdict, MatchedLogin } from '../policy/guard/manual-entries.ts';
import type { LiveSession, LoginAttempt } from '../proxy/ports.ts';
import type { Block } from './block.ts';
import type { LoginKey } from './guard-store.ts';

/** What an operator asks for. */
export interface NewEntry {
  readonly effect: 'block' | 'allow';
  readonly target: EntryTarget;
  readonly reason: string;
  /** Absent: it has no end. */
  readonly untilMs?: number;
}

/** The operators' own blocks and allows. */
export interface ManualList {
  /** What holds right now, by what this process knows. */
  match(login: MatchedLogin): ManualVerdict;
  list(): Promise<readonly Block[]>;
  add(entry: NewEntry, by: string): Promise<Block>;
  /** False where there is none. */
  lift(id: string, by: string): Promise<boolean>;
}

/** How an admitted login ended, as it is told to a store. */
export interface Settlement {
  readonly outcome: 'accepted' | 'refused';
  readonly login: LoginKey;
  readonly pairMembers: readonly string[];
  /** By this process's clock, ms since the epoch. */
  readonly atMs: number;
}

/** Keeps what the shared store could not be told. Never throws. */
export interface SettlementJournal {
  /** Whether something of the account waits: what follows must wait behind it, or it would be counted in the wrong order. */
  holds(account: string): boolean;
  add(settlement: Settlement): void;
}

/** Tells the other instances. Never throws. */
export interface BlockNews {
  placed(blocks: readonly StoredBlock[]): void;
  lifted(name: BlockName): void;
}

/** Tells the shared store of live sessions, in its own time. Never throws. */
export interface SessionNews {
  opened(session: LiveSession): void;
  closed(session: LiveSession): void;
}

/** What a policy server says of a login. */
export type PolicyAnswer =
  | { readonly kind: 'allowed'; readonly delayMs?: number }
  /** `reply` stands behind `-ERR`, with its response code. */
  | { readonly kind: 'refused'; readonly reply: string };

/** Somebody else who is asked about logins. */
export interface PolicyServer {
  /** Never rejects; bounded in time. */
  allow(attempt: LoginAttempt): Promise<PolicyAnswer>;
  /** Tells what the upstream said to a login. Never throws. */
  report(attempt: LoginAttempt, outcome: 'accepted' | 'refused'): void;
}
