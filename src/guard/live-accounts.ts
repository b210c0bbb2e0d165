import { limitedAccount } from '../policy/limit-subjects.ts';
import type { LiveSession } from '../proxy/ports.ts';

/** This process's live sessions by account, exact. The gate bounds how many there are. */
export class LiveAccounts {
  readonly #sessions = new Map<string, Set<string>>();

  open({ account, sessionId }: LiveSession): void {
    const name = limitedAccount(account);
    const sessions = this.#sessions.get(name) ?? new Set<string>();
    sessions.add(sessionId);
    this.#sessions.set(name, sessions);
  }

  close({ account, sessionId }: LiveSession): void {
    const name = limitedAccount(account);
    const sessions = this.#sessions.get(name);
    if (sessions?.delete(sessionId) && sessions.size === 0) this.#sessions.delete(name);
  }

  /** Live sessions of an account here. */
  count(account: string): number {
    return this.#sessions.get(account)?.size ?? 0;
  }

  /**
   * Live sessions of an account everywhere: those here, and of the ones that all instances told of those of the others. The
   * ids of one instance begin alike, up to the last hyphen; `ownId` is any of this one.
   */
  countAll(account: string, { ids, ownId }: { readonly ids: readonly string[]; readonly ownId: string }): number {
    const own = this.count(account);
    if (ids.length === 0) return own;
    const prefix = ownId.slice(0, ownId.lastIndexOf('-') + 1);
    return own + ids.filter((id) => !id.startsWith(prefix)).length;
  }
}
