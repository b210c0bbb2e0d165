import type { StoredBlock } from '../policy/guard/facts.ts';
import { blockDurationsMs, forgivenAtMs, nextStrike, strikesLeft } from '../policy/guard/strikes.ts';
import type { LimitName, LoginLimit } from '../policy/login-limits.ts';
import { BoundedMap } from './bounded-map.ts';

/**
 * Subjects counted per limit. Seen once each they take some 3 MB; filled to the default thresholds, which takes millions of
 * refused logins within the windows, all six limits together some 300 MB.
 */
export const maxCountedSubjects = 10_000;
/** Kept apart from the counted ones, so that a flood of names pushes no block out. */
export const maxBlockedSubjects = 10_000;

/** What one limit counted for one subject, and its block. */
interface Window {
  /** 0: it was never blocked. */
  untilMs: number;
  strikes: number;
  hasOwners: boolean;
  /** When each member was last seen, oldest first. */
  readonly members: Map<string, number>;
  newestMs: number;
}

/** One member to count. */
interface CountedMember {
  readonly member: string;
  /** Asked where a block is placed. */
  readonly hasOwners: () => boolean;
  readonly nowMs: number;
}

/** One limit: sliding windows of distinct members, and the blocks they led to, in memory and bounded. */
export class WindowTable {
  readonly #name: LimitName;
  readonly #limitInForce: () => LoginLimit;
  readonly #counted = new BoundedMap<Window>(maxCountedSubjects);
  readonly #blocked = new BoundedMap<Window>(maxBlockedSubjects);

  /** `limit` gives the one in force; what was counted under another stays. */
  constructor(name: LimitName, limit: () => LoginLimit) {
    this.#name = name;
    this.#limitInForce = limit;
  }

  get #limit(): LoginLimit {
    return this.#limitInForce();
  }

  /** No subject is, or was lately, blocked. */
  get hasNoBlocks(): boolean {
    return this.#blocked.size === 0;
  }

  /** The block in force. */
  block(subject: string, nowMs: number): StoredBlock | undefined {
    const window = this.#blocked.get(subject);
    return window !== undefined && window.untilMs > nowMs ? this.#describe(subject, window) : undefined;
  }

  /** The members within the window, oldest first. */
  members(subject: string, nowMs: number): readonly string[] {
    const window = this.#find(subject);
    if (window === undefined) return [];
    const members: string[] = [];
    for (const [member, seenMs] of window.members) if (seenMs > nowMs - this.#limit.windowMs) members.push(member);
    return members;
  }

  countMembers(subject: string, nowMs: number): number {
    const window = this.#find(subject);
    if (window === undefined) return 0;
    let outdated = 0;
    for (const seenMs of window.members.values()) {
      if (seenMs > nowMs - this.#limit.windowMs) break;
      outdated += 1;
    }
    return window.members.size - outdated;
  }

  /** Counts a member; the block that it led to. One that was counted already leads to none. */
  count(subject: string, { member, hasOwners, nowMs }: CountedMember): StoredBlock | undefined {
    const window = this.#find(subject) ?? newWindow();
    const { threshold, windowMs } = this.#limit;
    for (const [seen, seenMs] of window.members) {
      if (seenMs > nowMs - windowMs) break;
      window.members.delete(seen);
    }
    const seenMs = window.members.get(member);
    place(window, { member, seenMs: Math.max(seenMs ?? nowMs, nowMs) });
    while (window.members.size > threshold) deleteFirst(window.members);
    const isBlocking = seenMs === undefined && window.untilMs <= nowMs && window.members.size >= threshold;
    if (isBlocking) {
      const durationsMs = blockDurationsMs(this.#limit);
      window.strikes = nextStrike(durationsMs, strikesLeft(this.#limit, { ...window, nowMs }));
      window.untilMs = nowMs + (durationsMs[window.strikes - 1] ?? this.#limit.maxBlockMs);
      window.hasOwners = hasOwners();
    }
    this.#keep(subject, { window, nowMs });
    return isBlocking ? this.#describe(subject, window) : undefined;
  }

  /** Forgets members that turned out to be no attack. */
  clear(subject: string, members: readonly string[]): void {
    const window = this.#find(subject);
    if (window === undefined) return;
    for (const member of members) window.members.delete(member);
    if (window.members.size === 0 && window.untilMs === 0) this.#counted.delete(subject);
  }

  /** Places a block that somebody else knows of; never shortens one. */
  restore({ subject, untilMs, strikes, hasOwners }: StoredBlock, nowMs: number): void {
    const window = this.#find(subject) ?? newWindow();
    if (untilMs <= nowMs || untilMs <= window.untilMs) return;
    window.strikes = Math.max(strikesLeft(this.#limit, { ...window, nowMs }), strikes);
    window.untilMs = untilMs;
    window.hasOwners = hasOwners;
    this.#keep(subject, { window, nowMs });
  }

  /** Ends a block, and forgets its strikes and what was counted; false where none is in force. */
  lift(subject: string, nowMs: number): boolean {
    const window = this.#blocked.get(subject);
    if (window === undefined || window.untilMs <= nowMs) return false;
    this.forget(subject);
    return true;
  }

  /** Forgets all about a subject. */
  forget(subject: string): void {
    this.#counted.delete(subject);
    this.#blocked.delete(subject);
  }

  /** The blocks in force. */
  *blocks(nowMs: number): Iterable<StoredBlock> {
    for (const [subject, window] of this.#blocked.entries()) {
      if (window.untilMs > nowMs) yield this.#describe(subject, window);
    }
  }

  #describe(subject: string, { untilMs, strikes, hasOwners }: Window): StoredBlock {
    return { limit: this.#name, subject, untilMs, strikes, hasOwners };
  }

  #find(subject: string): Window | undefined {
    return this.#blocked.get(subject) ?? this.#counted.get(subject);
  }

  #keep(subject: string, { window, nowMs }: { readonly window: Window; readonly nowMs: number }): void {
    if (window.untilMs > 0) {
      this.#counted.delete(subject);
      this.#blocked.set(subject, window);
    } else {
      this.#counted.set(subject, window);
    }
    this.#dropOutdated(nowMs);
  }

  /** Two for each that is kept, so that what matters no more is soon gone without a timer. */
  #dropOutdated(nowMs: number): void {
    for (const windows of [this.#counted, this.#blocked]) {
      for (let looked = 0; looked < 2; looked += 1) {
        const [subject, window] = windows.oldest() ?? [];
        if (subject === undefined || window === undefined || this.#matters(window, nowMs)) break;
        windows.delete(subject);
      }
    }
  }

  #matters(window: Window, nowMs: number): boolean {
    if (window.strikes > 0 && forgivenAtMs(this.#limit, window) > nowMs) return true;
    return window.members.size > 0 && window.newestMs > nowMs - this.#limit.windowMs;
  }
}

function newWindow(): Window {
  return { untilMs: 0, strikes: 0, hasOwners: false, members: new Map(), newestMs: 0 };
}

/** In its place by time: what is replayed may be older than what is there. */
function place(window: Window, { member, seenMs }: { readonly member: string; readonly seenMs: number }): void {
  const { members, newestMs } = window;
  members.delete(member);
  const newer = seenMs >= newestMs ? [] : [...members].filter(([, otherMs]) => otherMs > seenMs);
  members.set(member, seenMs);
  for (const [other, otherMs] of newer) {
    members.delete(other);
    members.set(other, otherMs);
  }
  window.newestMs = Math.max(newestMs, seenMs);
}

function deleteFirst(members: Map<string, number>): void {
  for (const member of members.keys()) {
    members.delete(member);
    return;
  }
}
