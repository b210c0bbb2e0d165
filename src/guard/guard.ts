import type { RedisConnection } from '../net/redis-connection.ts';
import { type LimitSubjects, limitSubjects } from '../policy/limit-subjects.ts';
import type { LimitName, LoginLimits } from '../policy/login-limits.ts';
import type { Report } from '../proxy/events.ts';
import type { Guard, GuardVerdict, LoginSubject } from '../proxy/ports.ts';
import { StoreUnavailable } from '../proxy/store-unavailable.ts';
import { formatBlockId, parseBlockId } from './block-id.ts';
import type { LimitStore } from './limit-store.ts';
import { MemoryStore } from './memory-store.ts';
import { RedisStore } from './redis-store.ts';

/** A block in force. */
export interface Block {
  /** URL-safe, and the same on every instance. */
  readonly id: string;
  readonly limit: LimitName;
  readonly subject: string;
  /** When it ends, ms since the epoch. */
  readonly untilMs: number;
}

/** Where the limits are kept, and whether that place answers. */
interface StoreHealth {
  readonly kind: 'redis' | 'memory';
  readonly isUp: boolean;
}

/** The login limits, and what an operator may see and do of them. */
export interface LoginGuard extends Guard {
  readonly store: StoreHealth;
  /** The blocks in force, the longest first. Rejects with `StoreUnavailable` where logins are refused for want of the store. */
  listBlocks(): Promise<readonly Block[]>;
  /** Ends a block in the name of the admin token `by`; false where there is none. Rejects as `listBlocks` does. */
  liftBlock(id: string, by: string): Promise<boolean>;
  /** How many blocks are in force. Never rejects: without the store nothing is counted. */
  countBlocks(): Promise<Record<LimitName, number>>;
}

/** What a guard is made of. */
export interface GuardOptions {
  readonly limits: LoginLimits;
  /** Stays the caller's to close. Absent: limits are kept in this process's memory. */
  readonly redis?: RedisConnection;
  readonly report: Report;
}

/** Makes the guard; logins may be asked about at once, connected to Redis or not. */
export function createGuard({ limits, redis, report }: GuardOptions): LoginGuard {
  if (redis === undefined) return new StoreGuard({ limits, report, store: new MemoryStore(limits) });
  const store = new RedisStore(limits, redis);
  if (limits.onStoreFailure === 'refuse') return new StoreGuard({ limits, report, store });
  return new StoreGuard({ limits, report, store, fallback: new MemoryStore(limits) });
}

interface StoreGuardParts {
  readonly limits: LoginLimits;
  readonly report: Report;
  readonly store: LimitStore;
  /** Stands in while the store is unavailable. */
  readonly fallback?: LimitStore;
}

/** What was found out about a login when it was let in. */
interface AdmittedLogin {
  readonly subjects: LimitSubjects;
  /** Most have none, and so nothing to forget when they succeed. */
  readonly hasFailures: boolean;
}

class StoreGuard implements LoginGuard {
  readonly #limits: LoginLimits;
  readonly #report: Report;
  readonly #store: LimitStore;
  readonly #fallback: LimitStore | undefined;
  /** Logins under way, by limit and subject: guesses sent all at once would otherwise all pass before one is counted. */
  readonly #underWay = new Map<string, number>();
  readonly #admitted = new WeakMap<LoginSubject, AdmittedLogin>();

  constructor({ limits, report, store, fallback }: StoreGuardParts) {
    this.#limits = limits;
    this.#report = report;
    this.#store = store;
    this.#fallback = fallback;
  }

  get store(): StoreHealth {
    return { kind: this.#store.kind, isUp: this.#store.isUp };
  }

  async admit(subject: LoginSubject): Promise<GuardVerdict> {
    if (this.#limits.exempt.includes(subject.address)) return { kind: 'allowed' };
    const subjects = limitSubjects(subject);
    const record = await this.#tryAsk((store) => store.look(subjects));
    if (record === undefined) return { kind: 'unavailable' };
    const [longest] = record.blocks.toSorted((a, b) => b.remainingMs - a.remainingMs);
    if (longest === undefined) return this.#enter(subject, { subjects, hasFailures: record.hasFailures });
    const { limit, remainingMs: retryAfterMs } = longest;
    this.#report({ kind: 'loginLimited', limit, subject: longest.subject, retryAfterMs });
    return { kind: 'blocked', limit, retryAfterMs };
  }

  /** An address is left out: behind one, a whole office may log in at once. */
  #enter(subject: LoginSubject, login: AdmittedLogin): GuardVerdict {
    const { subjects } = login;
    const full = limitsOfAccounts.find(
      (limit) => (this.#underWay.get(keyOf(limit, subjects)) ?? 0) >= this.#limits[limit].failures,
    );
    if (full !== undefined) {
      this.#report({ kind: 'loginLimited', limit: full, subject: subjects[full], retryAfterMs: 0 });
      return { kind: 'busy', limit: full };
    }
    for (const limit of limitsOfAccounts) this.#count(keyOf(limit, subjects), 1);
    this.#admitted.set(subject, login);
    return { kind: 'allowed' };
  }

  release(subject: LoginSubject): void {
    const subjects = this.#admitted.get(subject)?.subjects;
    // An exempt one was not counted.
    if (subjects === undefined) return;
    this.#admitted.delete(subject);
    for (const limit of limitsOfAccounts) this.#count(keyOf(limit, subjects), -1);
  }

  #count(key: string, change: 1 | -1): void {
    const count = (this.#underWay.get(key) ?? 0) + change;
    if (count > 0) this.#underWay.set(key, count);
    else this.#underWay.delete(key);
  }

  async settle(subject: LoginSubject, outcome: 'accepted' | 'refused'): Promise<void> {
    if (this.#limits.exempt.includes(subject.address)) return;
    const { subjects, hasFailures } = this.#admitted.get(subject) ?? {
      subjects: limitSubjects(subject),
      hasFailures: true,
    };
    if (outcome === 'accepted') {
      if (!hasFailures) return;
      const pair = { limit: 'perAddressAndAccount', subject: subjects.perAddressAndAccount } as const;
      await this.#tryAsk((store) => store.clearFailures(pair));
      return;
    }
    const placed = (await this.#tryAsk((store) => store.countFailure(subjects))) ?? [];
    for (const block of placed) this.#report({ kind: 'loginBlocked', ...block });
  }

  async listBlocks(): Promise<readonly Block[]> {
    const blocks = await this.#ask((store) => store.listBlocks());
    const nowMs = Date.now();
    return blocks
      .toSorted((a, b) => b.remainingMs - a.remainingMs)
      .map(({ limit, subject, remainingMs }) => ({
        id: formatBlockId({ limit, subject }),
        limit,
        subject,
        untilMs: nowMs + remainingMs,
      }));
  }

  async liftBlock(id: string, by: string): Promise<boolean> {
    const name = parseBlockId(id);
    if (name === undefined) return false;
    const isLifted = await this.#ask((store) => store.liftBlock(name));
    // A block from an outage must not come back with the next one.
    if (this.#fallback !== undefined) await this.#fallback.liftBlock(name);
    if (isLifted) this.#report({ kind: 'blockLifted', ...name, by });
    return isLifted;
  }

  async countBlocks(): Promise<Record<LimitName, number>> {
    const counts = await this.#tryAsk((store) => store.countBlocks());
    return counts ?? { perAddress: 0, perAccount: 0, perAddressAndAccount: 0 };
  }

  async #ask<T>(question: (store: LimitStore) => Promise<T>): Promise<T> {
    try {
      return await question(this.#store);
    } catch (error) {
      if (this.#fallback === undefined || !(error instanceof StoreUnavailable)) throw error;
      return await question(this.#fallback);
    }
  }

  async #tryAsk<T>(question: (store: LimitStore) => Promise<T>): Promise<T | undefined> {
    try {
      return await this.#ask(question);
    } catch (error) {
      if (error instanceof StoreUnavailable) return undefined;
      throw error;
    }
  }
}

const limitsOfAccounts = ['perAccount', 'perAddressAndAccount'] as const;

function keyOf(limit: (typeof limitsOfAccounts)[number], subjects: LimitSubjects): string {
  return `${limit} ${subjects[limit]}`;
}
