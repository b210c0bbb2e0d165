import { maxListedSessions, reservationLeaseMs, sessionLeaseMs } from '../policy/guard/bounds.ts';
import type { BlockName, LoginFacts, StoredBlock } from '../policy/guard/facts.ts';
import { type LimitSubjects, limitMember, limitSubjects, pairAccount } from '../policy/limit-subjects.ts';
import {
  accountLimitNames,
  type LimitName,
  type LoginLimits,
  limitNames,
  networkLimitNames,
} from '../policy/login-limits.ts';
import type { LiveSession } from '../proxy/ports.ts';
import { AccountMemory } from './account-memory.ts';
import type { AcceptedNote, AccountFacts, CountedFailure, GuardStore, LoginKey } from './guard-store.ts';
import { Leases } from './leases.ts';
import { NetworkOwners } from './network-owners.ts';
import { WindowTable } from './window-table.ts';

/** What a memory store goes by. */
export interface MemoryStoreOptions {
  readonly limits: LoginLimits;
  /** Ms since the epoch. */
  readonly nowMs: () => number;
}

/** The guard's knowledge in this process's memory, bounded. No call rejects. */
export class MemoryStore implements GuardStore {
  readonly #limits: LoginLimits;
  readonly #nowMs: () => number;
  readonly #tables: Readonly<Record<LimitName, WindowTable>>;
  readonly #accounts: AccountMemory;
  readonly #owners: NetworkOwners;
  /** Strangers' logins under way, by their session. */
  readonly #reserved = new Leases(reservationLeaseMs);
  readonly #sessions = new Leases(sessionLeaseMs);

  constructor({ limits, nowMs }: MemoryStoreOptions) {
    this.#limits = limits;
    this.#nowMs = nowMs;
    this.#accounts = new AccountMemory(limits);
    this.#owners = new NetworkOwners(limits);
    this.#tables = {
      perAddress: new WindowTable('perAddress', () => limits.perAddress),
      perNetwork: new WindowTable('perNetwork', () => limits.perNetwork),
      perAccount: new WindowTable('perAccount', () => limits.perAccount),
      perAddressAndAccount: new WindowTable('perAddressAndAccount', () => limits.perAddressAndAccount),
      accountsPerNetwork: new WindowTable('accountsPerNetwork', () => limits.accountsPerNetwork),
      passwordsPerAccount: new WindowTable('passwordsPerAccount', () => limits.passwordsPerAccount),
    };
  }

  async look(login: LoginKey): Promise<LoginFacts> {
    const nowMs = this.#nowMs();
    const { account } = login;
    const subjects = limitSubjects(login);
    const blocks = this.findBlocks(subjects);
    const knownSinceMs = this.#accounts.knownSinceMs(login, nowMs);
    const refusedUntilMs = this.#accounts.refusedUntilMs(login, nowMs);
    const lastLoginMs = this.#accounts.lastLoginMs(account);
    const needsRoom =
      knownSinceMs === undefined &&
      refusedUntilMs === undefined &&
      !login.isExempt &&
      !blocks.some(({ limit }) => isAccountLimit(limit));
    return {
      nowMs,
      blocks,
      ...(knownSinceMs === undefined ? {} : { knownSinceMs }),
      ...(refusedUntilMs === undefined ? {} : { refusedUntilMs }),
      ...(lastLoginMs === undefined ? {} : { lastLoginMs }),
      liveSessionIds: this.#sessions.held(account, nowMs).slice(-maxListedSessions),
      pairMembers: this.#tables.perAddressAndAccount.members(subjects.perAddressAndAccount, nowMs),
      addressFailures: this.#tables.perAddress.countMembers(login.address, nowMs),
      isAccepted: this.#accounts.isAccepted(login),
      isReserved: needsRoom && this.#reserve(login, nowMs),
    };
  }

  /** What is counted and what is under way stay below the threshold; but one at a time may always try. */
  #reserve({ account, sessionId }: LoginKey, nowMs: number): boolean {
    const held = this.#reserved.held(account, nowMs);
    if (!held.includes(sessionId)) {
      const room = (limit: 'perAccount' | 'passwordsPerAccount'): number =>
        this.#limits[limit].threshold - this.#tables[limit].countMembers(account, nowMs);
      if (held.length >= Math.max(Math.min(room('perAccount'), room('passwordsPerAccount')), 1)) return false;
    }
    this.#reserved.hold(account, { id: sessionId, nowMs });
    return true;
  }

  async release({ account, sessionId }: LoginKey): Promise<void> {
    this.#reserved.end(account, sessionId);
  }

  async countFailure(login: LoginKey, atMs: number = this.#nowMs()): Promise<CountedFailure> {
    this.#reserved.end(login.account, login.sessionId);
    this.#accounts.noteRefused(login, atMs);
    const placed: StoredBlock[] = [];
    const subjects = limitSubjects(login);
    for (const limit of login.isExempt ? [] : limitNames) {
      const subject = subjects[limit];
      const block = this.#tables[limit].count(subject, {
        member: limitMember(limit, login),
        hasOwners: () => this.#hasOwners(limit, { place: login, nowMs: atMs }),
        nowMs: atMs,
      });
      if (block !== undefined) placed.push(block);
    }
    const addressFailures = login.isExempt ? 0 : this.#tables.perAddress.countMembers(login.address, atMs);
    return { nowMs: atMs, placed, addressFailures };
  }

  async noteAccepted(login: LoginKey, { pairMembers, atMs = this.#nowMs() }: AcceptedNote): Promise<void> {
    const { account } = login;
    this.#reserved.end(account, login.sessionId);
    this.#accounts.noteAccepted(login, atMs);
    this.#owners.note(login, atMs);
    const subjects = limitSubjects(login);
    for (const limit of pairMembers.length === 0 ? [] : limitNames) {
      const members = limit === 'accountsPerNetwork' ? [login.accountHash] : pairMembers;
      this.#tables[limit].clear(subjects[limit], members);
    }
    this.#tables.perAddressAndAccount.forget(subjects.perAddressAndAccount);
  }

  /** When a login of an address to an account was last noted. */
  knownSinceMs(login: Pick<LoginKey, 'account' | 'address'>): number | undefined {
    return this.#accounts.knownSinceMs(login, this.#nowMs());
  }

  /** Takes over from another store that an address is an owner's. */
  noteKnown(login: LoginKey, atMs: number): void {
    const knownSinceMs = this.#accounts.knownSinceMs(login, atMs);
    if (knownSinceMs !== undefined && knownSinceMs >= atMs) return;
    this.#accounts.noteKnown(login, atMs);
    this.#owners.note(login, atMs);
  }

  async noteSessions({
    live,
    ended,
  }: {
    readonly live: readonly LiveSession[];
    readonly ended: readonly LiveSession[];
  }): Promise<void> {
    const nowMs = this.#nowMs();
    for (const { account, sessionId } of live) this.#sessions.hold(account, { id: sessionId, nowMs });
    for (const { account, sessionId } of ended) this.#sessions.end(account, sessionId);
  }

  async describeAccount(account: string): Promise<AccountFacts> {
    const nowMs = this.#nowMs();
    const lastLoginMs = this.#accounts.lastLoginMs(account);
    return {
      nowMs,
      blocks: (await this.listBlocks()).filter(
        ({ limit, subject }) =>
          isAccountLimit(limit) && (limit === 'perAddressAndAccount' ? pairAccount(subject) : subject) === account,
      ),
      counts: {
        perAccount: this.#tables.perAccount.countMembers(account, nowMs),
        passwordsPerAccount: this.#tables.passwordsPerAccount.countMembers(account, nowMs),
      },
      knownAddresses: this.#accounts.knownAddresses(account, nowMs),
      refusedUntilMs: this.#accounts.refusedUntilMsOf(account, nowMs),
      ...(lastLoginMs === undefined ? {} : { lastLoginMs }),
      liveSessions: this.#sessions.held(account, nowMs).length,
    };
  }

  async listBlocks(): Promise<readonly StoredBlock[]> {
    return this.blocks();
  }

  /** The blocks in force. */
  blocks(): readonly StoredBlock[] {
    const nowMs = this.#nowMs();
    return limitNames.flatMap((limit) => [...this.#tables[limit].blocks(nowMs)]);
  }

  async restoreBlocks(blocks: readonly StoredBlock[]): Promise<void> {
    this.keepBlocks(blocks);
  }

  /** Places blocks that another store has; never shortens one. */
  keepBlocks(blocks: readonly StoredBlock[]): void {
    const nowMs = this.#nowMs();
    for (const block of blocks) this.#tables[block.limit].restore(block, nowMs);
  }

  async liftBlock({ limit, subject }: BlockName): Promise<boolean> {
    return this.#tables[limit].lift(subject, this.#nowMs());
  }

  async countBlocks(): Promise<Readonly<Record<LimitName, number>>> {
    const counts = {
      perAddress: 0,
      perNetwork: 0,
      perAccount: 0,
      perAddressAndAccount: 0,
      accountsPerNetwork: 0,
      passwordsPerAccount: 0,
    };
    for (const { limit } of this.blocks()) counts[limit] += 1;
    return counts;
  }

  /** The block that keeps everybody at an address out, the longest where there are several; none where an owner may be. */
  findAddressBlock(place: Pick<LoginKey, 'address' | 'network'>): StoredBlock | undefined {
    const nowMs = this.#nowMs();
    let longest: StoredBlock | undefined;
    for (const limit of networkLimitNames) {
      const block = this.#tables[limit].block(limit === 'perAddress' ? place.address : place.network, nowMs);
      if (block === undefined || block.hasOwners || this.#hasOwners(limit, { place, nowMs })) continue;
      if (longest === undefined || block.untilMs > longest.untilMs) longest = block;
    }
    return longest;
  }

  /** No address or network is, or was lately, blocked. */
  get hasNoAddressBlocks(): boolean {
    return networkLimitNames.every((limit) => this.#tables[limit].hasNoBlocks);
  }

  /** Nobody is, or was lately, blocked. */
  get hasNoBlocks(): boolean {
    return limitNames.every((limit) => this.#tables[limit].hasNoBlocks);
  }

  /** The blocks in force that a login meets. */
  findBlocks(subjects: LimitSubjects): readonly StoredBlock[] {
    const nowMs = this.#nowMs();
    const blocks: StoredBlock[] = [];
    for (const limit of limitNames) {
      const block = this.#tables[limit].block(subjects[limit], nowMs);
      if (block !== undefined) blocks.push(block);
    }
    return blocks;
  }

  #hasOwners(
    limit: LimitName,
    { place, nowMs }: { readonly place: Pick<LoginKey, 'address' | 'network'>; readonly nowMs: number },
  ): boolean {
    if (isAccountLimit(limit)) return false;
    return limit === 'perAddress'
      ? this.#owners.isOwned(place, nowMs)
      : this.#owners.isNetworkOwned(place.network, nowMs);
  }
}

function isAccountLimit(limit: LimitName): boolean {
  return accountLimitNames.some((name) => name === limit);
}
