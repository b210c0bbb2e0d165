import { BoundedMap } from './bounded-map.ts';

/** Accounts with a lease at a time: more than sessions and logins are ever under way. */
const maxLeasedAccounts = 50_000;
/** More than an account's limits let in. */
const maxLeasesPerAccount = 1_000;

/** What of an account is under way, each until it is told to be over or its lease ends. */
export class Leases {
  readonly #leaseMs: number;
  readonly #accounts = new BoundedMap<Map<string, number>>(maxLeasedAccounts);

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  /** Takes out or renews a lease. */
  hold(account: string, { id, nowMs }: { readonly id: string; readonly nowMs: number }): void {
    const held = this.#accounts.get(account) ?? new Map<string, number>();
    // Renewed ones go last: the first to end is always in front.
    held.delete(id);
    held.set(id, nowMs + this.#leaseMs);
    for (const [first, endsMs] of held) {
      if (endsMs > nowMs && held.size <= maxLeasesPerAccount) break;
      held.delete(first);
    }
    this.#accounts.set(account, held);
  }

  end(account: string, id: string): void {
    const held = this.#accounts.get(account);
    if (held?.delete(id) && held.size === 0) this.#accounts.delete(account);
  }

  /** What is held right now. */
  held(account: string, nowMs: number): readonly string[] {
    const held = this.#accounts.get(account);
    if (held === undefined) return [];
    const ids: string[] = [];
    for (const [id, endsMs] of held) if (endsMs > nowMs) ids.push(id);
    return ids;
  }
}
