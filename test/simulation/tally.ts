import type { Outcome } from './gates.ts';
import type { LoginEvent } from './login-event.ts';

const dayMs = 86_400_000;

/** How often it happened to whom, and for how long. */
export interface Suffered {
  readonly logins: number;
  readonly owners: number;
  /** From the first to the last of one program's logins that were refused in a row. */
  readonly longestMs: number;
  readonly first?: { readonly account: string; readonly atMs: number; readonly reason: string };
}

/** The most within 24 hours, whenever these begin. */
export interface Worst {
  readonly count: number;
  readonly who: string;
}

/** What one gate did to friend and foe. */
export interface Result {
  readonly gate: string;
  readonly guesses: { readonly tried: number; readonly reached: number; readonly worst: Worst };
  /** The right password from an address that had logged in to the account before. */
  readonly ownersLockedOut: Suffered;
  /** The right password from an address that was never seen with the account. */
  readonly newAddressesRefused: Suffered;
  /** The right password, which was wrong not long ago. */
  readonly changedBackRefused: Suffered;
  /** The right password at an account that the provider had locked. */
  readonly lockedByProvider: Suffered;
  /** Wrong passwords of owners' programs that the provider was asked about: all, and one password of one program. */
  readonly staleLogins: { readonly reached: number; readonly worst: Worst };
  readonly providerLocks: number;
  /** How long the gate kept right passwords waiting. */
  readonly ownersWaited: { readonly logins: number; readonly longestMs: number };
}

/** Keeps one gate's books. */
export class Tally {
  /** Addresses that logged in, by account. */
  readonly #known = new Map<string, Set<string>>();
  readonly #lockedOut = new Suffering();
  readonly #newAddresses = new Suffering();
  readonly #changedBack = new Suffering();
  readonly #lockedByProvider = new Suffering();
  readonly #guessesByAccount = new WorstDay();
  readonly #staleByDevice = new WorstDay();
  #tried = 0;
  #reached = 0;
  #stale = 0;
  #waits = 0;
  #longestWaitMs = 0;

  note(event: LoginEvent, { isRight, outcome }: { readonly isRight: boolean; readonly outcome: Outcome }): void {
    if (event.who === 'spray' || event.who === 'target') this.#noteGuess(event, outcome);
    else if (isRight) this.#noteOwner(event, outcome);
    else if (event.who === 'owner' && outcome.answer !== 'limited') {
      this.#stale += 1;
      this.#staleByDevice.note(`${event.password} at ${event.device}`, event.atMs);
    }
  }

  /** `providerLocks`: how often the provider locked an account. */
  result({ gate, providerLocks }: { readonly gate: string; readonly providerLocks: number }): Result {
    return {
      gate,
      guesses: { tried: this.#tried, reached: this.#reached, worst: this.#guessesByAccount.worst },
      ownersLockedOut: this.#lockedOut.sum(),
      newAddressesRefused: this.#newAddresses.sum(),
      changedBackRefused: this.#changedBack.sum(),
      lockedByProvider: this.#lockedByProvider.sum(),
      staleLogins: { reached: this.#stale, worst: this.#staleByDevice.worst },
      providerLocks,
      ownersWaited: { logins: this.#waits, longestMs: this.#longestWaitMs },
    };
  }

  #noteGuess({ account, atMs }: LoginEvent, { answer }: Outcome): void {
    this.#tried += 1;
    if (answer === 'limited') return;
    this.#reached += 1;
    this.#guessesByAccount.note(account, atMs);
  }

  #noteOwner(event: LoginEvent, { answer, reason = '', waitMs }: Outcome): void {
    const known = this.#known.get(event.account);
    if (waitMs > 0) {
      this.#waits += 1;
      this.#longestWaitMs = Math.max(this.#longestWaitMs, waitMs);
    }
    if (answer === 'locked') this.#lockedByProvider.note(event, 'locked');
    else if (answer === 'limited' && reason === 'remembered') this.#changedBack.note(event, reason);
    else if (answer === 'limited' && known?.has(event.address)) this.#lockedOut.note(event, reason);
    else if (answer === 'limited') this.#newAddresses.note(event, reason);
    if (answer !== 'accepted') return;
    if (known === undefined) this.#known.set(event.account, new Set([event.address]));
    else known.add(event.address);
    for (const suffering of [this.#lockedOut, this.#newAddresses, this.#changedBack, this.#lockedByProvider]) {
      suffering.end(event);
    }
  }
}

/** One way to be kept out. */
class Suffering {
  readonly #owners = new Set<string>();
  /** Since when a program is kept out. */
  readonly #since = new Map<string, number>();
  #logins = 0;
  #longestMs = 0;
  #first: Suffered['first'];

  note({ account, device, atMs }: LoginEvent, reason: string): void {
    this.#first ??= { account, atMs, reason };
    this.#logins += 1;
    this.#owners.add(account);
    const sinceMs = this.#since.get(device) ?? atMs;
    this.#since.set(device, sinceMs);
    this.#longestMs = Math.max(this.#longestMs, atMs - sinceMs);
  }

  end({ device }: LoginEvent): void {
    if (this.#since.size > 0) this.#since.delete(device);
  }

  sum(): Suffered {
    const first = this.#first;
    return { logins: this.#logins, owners: this.#owners.size, longestMs: this.#longestMs, ...(first && { first }) };
  }
}

/** Finds the most within a day. */
class WorstDay {
  readonly #times = new Map<string, { readonly atMs: number[]; first: number }>();
  #worst: Worst = { count: 0, who: '' };

  get worst(): Worst {
    return this.#worst;
  }

  note(who: string, nowMs: number): void {
    const times = this.#times.get(who) ?? { atMs: [], first: 0 };
    this.#times.set(who, times);
    times.atMs.push(nowMs);
    while ((times.atMs[times.first] ?? nowMs) <= nowMs - dayMs) times.first += 1;
    const count = times.atMs.length - times.first;
    if (count > this.#worst.count) this.#worst = { count, who };
  }
}
