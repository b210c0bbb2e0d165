import { ManualEntries, type ManualEntry, type MatchedLogin } from '../policy/guard/manual-entries.ts';
import type { GateEvent } from '../proxy/events.ts';
import type { LiveSession } from '../proxy/ports.ts';
import type { ManualList, SessionNews } from './guard-ports.ts';

/** Far above any `sessions.maxTotal`: it only bounds a leak. */
const maxSessions = 200_000;

/** Ends the live sessions that an operator's block is about: those that are open when it comes, and logins that it overtook. */
export class BlockedSessions implements SessionNews {
  readonly #end: (sessionId: string) => void;
  #manual: Pick<ManualList, 'match'> | undefined;
  readonly #sessions = new Map<string, { readonly address: string; readonly accounts: readonly string[] }>();

  constructor(end: (sessionId: string) => void) {
    this.#end = end;
  }

  /** Names the list that sessions are looked up in. */
  watch(manual: Pick<ManualList, 'match'>): void {
    this.#manual = manual;
  }

  /** Keeps up with the sessions that there are. */
  record(event: GateEvent): void {
    if (event.kind === 'sessionClosed') this.#sessions.delete(event.sessionId);
    else if (event.kind === 'sessionOpened' && this.#sessions.size < maxSessions) {
      this.#sessions.set(event.sessionId, { address: event.address, accounts: [] });
    } else if (event.kind === 'relayStarted') this.#addAccount(event.sessionId, event.account);
  }

  opened({ sessionId, account }: LiveSession): void {
    this.#addAccount(sessionId, account);
  }

  closed(_session: LiveSession): void {}

  /** Ends every session that a new block is about. */
  endBlocked(entry: ManualEntry): void {
    const entries = new ManualEntries();
    entries.add(entry);
    const isBlocked = (login: MatchedLogin): boolean => entries.match(login, entry.addedAtMs).block !== undefined;
    for (const [sessionId, session] of [...this.#sessions]) if (isBlocked(session)) this.#end(sessionId);
  }

  /** A block may have come while the login was under way. */
  #addAccount(sessionId: string, account: string): void {
    const session = this.#sessions.get(sessionId);
    if (session === undefined || session.accounts.includes(account)) return;
    const known = { ...session, accounts: [...session.accounts, account] };
    this.#sessions.set(sessionId, known);
    if (this.#manual?.match(known).block === undefined) return;
    // Whoever tells of it is in the midst of starting it.
    queueMicrotask(() => this.#end(sessionId));
  }
}
