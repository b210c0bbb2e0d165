import {
  acceptedPrefix,
  maxAcceptedPerAccount,
  maxKnownPerAccount,
  maxRefusedPerAccount,
  minCountedMemoryMs,
  refusedMemoryMs,
} from '../policy/guard/bounds.ts';
import { BoundedMap } from './bounded-map.ts';
import type { LoginKey } from './guard-store.ts';
import { TriedCredentials } from './tried-credentials.ts';

/** Accounts that somebody logged in to: only a right password adds one, so no flood of names pushes any out. */
const maxAccounts = 50_000;
/** Accounts that refused credentials are remembered of. */
const maxRefusingAccounts = 20_000;

/** What is remembered of an account since somebody logged in to it. */
interface AccountRecord {
  /** Addresses, with the last login from there that was noted, oldest first. */
  readonly known: Map<string, number>;
  /** Beginnings of accepted credentials, the newest last. */
  readonly accepted: Set<string>;
  lastLoginMs: number;
}

/** What an account's own logins taught: who its owners are, which passwords hold and which do not. */
export class AccountMemory {
  readonly #options: { readonly knownForMs: number; readonly refusedPasswordsMs: number };
  readonly #accounts = new BoundedMap<AccountRecord>(maxAccounts);
  /** Credentials by the time they lapse. */
  readonly #refused = new BoundedMap<Map<string, number>>(maxRefusingAccounts);
  readonly #tried = new TriedCredentials(maxRefusingAccounts);

  constructor(options: { readonly knownForMs: number; readonly refusedPasswordsMs: number }) {
    this.#options = options;
  }

  knownSinceMs({ account, address }: Pick<LoginKey, 'account' | 'address'>, nowMs: number): number | undefined {
    const notedMs = this.#accounts.get(account)?.known.get(address);
    return notedMs !== undefined && notedMs > nowMs - this.#options.knownForMs ? notedMs : undefined;
  }

  lastLoginMs(account: string): number | undefined {
    return this.#accounts.get(account)?.lastLoginMs;
  }

  isAccepted({ account, credential }: LoginKey): boolean {
    return this.#accounts.get(account)?.accepted.has(acceptedPrefix(credential)) ?? false;
  }

  refusedUntilMs({ account, credential }: LoginKey, nowMs: number): number | undefined {
    const untilMs = this.#refused.get(account)?.get(credential);
    return untilMs !== undefined && untilMs > nowMs ? untilMs : undefined;
  }

  /** Notes that an address is an owner's, without more than that. */
  noteKnown({ account, address }: Pick<LoginKey, 'account' | 'address'>, atMs: number): void {
    const record = this.#record(account);
    this.#keepKnown(record, { address, atMs });
    record.lastLoginMs = Math.max(record.lastLoginMs, atMs);
  }

  /** A password that was not known to hold means that passwords have changed: what was refused may be tried again. */
  noteAccepted(login: LoginKey, atMs: number): void {
    this.noteKnown(login, atMs);
    const { accepted } = this.#record(login.account);
    const prefix = acceptedPrefix(login.credential);
    if (!accepted.delete(prefix)) this.#tryAgain(login.account, atMs);
    this.#refused.get(login.account)?.delete(login.credential);
    this.#tried.forget(login);
    accepted.add(prefix);
    if (accepted.size > maxAcceptedPerAccount) deleteFirst(accepted);
  }

  /** The refusal of a password that held means the same; that one holds no more. */
  noteRefused(login: LoginKey, atMs: number): void {
    const { account, credential } = login;
    const { refusedPasswordsMs } = this.#options;
    // Told late: what was refused before the last success may be what succeeded.
    if ((this.lastLoginMs(account) ?? 0) > atMs) return;
    const hasChanged = this.#accounts.get(account)?.accepted.delete(acceptedPrefix(credential)) ?? false;
    if (refusedPasswordsMs === 0) return;
    if (hasChanged) this.#tryAgain(account, atMs);
    const refused = this.#refused.get(account) ?? new Map<string, number>();
    for (const [other, untilMs] of refused) if (untilMs <= atMs) refused.delete(other);
    refused.set(credential, Math.max(refused.get(credential) ?? 0, this.#nextTryMs(login, atMs)));
    if (refused.size > maxRefusedPerAccount) deleteLeast(refused);
    this.#refused.set(account, refused);
  }

  #nextTryMs(login: LoginKey, atMs: number): number {
    const { refusedPasswordsMs } = this.#options;
    if (refusedPasswordsMs < minCountedMemoryMs) return atMs + refusedPasswordsMs;
    const { tries, freeMs } = this.#tried.note(login, atMs);
    const isOwner = this.knownSinceMs(login, atMs) !== undefined;
    return Math.max(atMs + refusedMemoryMs(refusedPasswordsMs, { isOwner, tries }), freeMs);
  }

  /** What was refused may be right now, and may be tried ahead of time where it was not tried too often. */
  #tryAgain(account: string, nowMs: number): void {
    const refused = this.#refused.get(account);
    for (const [credential, untilMs] of refused ?? []) {
      const freeMs = this.#tried.freeAtMs({ account, credential });
      if (freeMs <= nowMs) refused?.delete(credential);
      else if (freeMs < untilMs) refused?.set(credential, freeMs);
    }
  }

  /** The addresses that are known, with the last login that was noted. */
  knownAddresses(
    account: string,
    nowMs: number,
  ): readonly { readonly address: string; readonly lastLoginMs: number }[] {
    const known = this.#accounts.get(account)?.known ?? [];
    return [...known]
      .filter(([, notedMs]) => notedMs > nowMs - this.#options.knownForMs)
      .map(([address, lastLoginMs]) => ({ address, lastLoginMs }));
  }

  /** When what is remembered as refused lapses. */
  refusedUntilMsOf(account: string, nowMs: number): readonly number[] {
    return [...(this.#refused.get(account)?.values() ?? [])].filter((untilMs) => untilMs > nowMs);
  }

  #record(account: string): AccountRecord {
    const record = this.#accounts.get(account) ?? { known: new Map(), accepted: new Set(), lastLoginMs: 0 };
    this.#accounts.set(account, record);
    return record;
  }

  #keepKnown({ known }: AccountRecord, { address, atMs }: { readonly address: string; readonly atMs: number }): void {
    const notedMs = Math.max(known.get(address) ?? 0, atMs);
    known.delete(address);
    known.set(address, notedMs);
    if (known.size > maxKnownPerAccount) deleteFirst(known);
  }
}

function deleteFirst(entries: { keys(): Iterable<string>; delete(key: string): boolean }): void {
  for (const key of entries.keys()) {
    entries.delete(key);
    return;
  }
}

function deleteLeast(times: Map<string, number>): void {
  let least: readonly [name: string, ms: number] | undefined;
  for (const entry of times) if (least === undefined || entry[1] < least[1]) least = entry;
  if (least !== undefined) times.delete(least[0]);
}
