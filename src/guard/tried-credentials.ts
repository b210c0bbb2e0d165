import { maxRefusedPerAccount, maxTriesPerDay } from '../policy/guard/bounds.ts';
import { BoundedMap } from './bounded-map.ts';
import type { LoginKey } from './guard-store.ts';

const dayMs = 86_400_000;

type Credential = Pick<LoginKey, 'account' | 'credential'>;

/** When refused credentials were tried, so that none is tried too often within a day. */
export class TriedCredentials {
  /** The last tries by credential, the newest last. */
  readonly #accounts: BoundedMap<Map<string, readonly number[]>>;

  constructor(maxAccounts: number) {
    this.#accounts = new BoundedMap(maxAccounts);
  }

  /** When a credential may be tried next; 0: at any time. */
  freeAtMs({ account, credential }: Credential): number {
    return freeAtMs(this.#accounts.get(account)?.get(credential) ?? []);
  }

  /** Notes a try; tells how many there were within a day, and when the next may be. */
  note({ account, credential }: Credential, nowMs: number): { readonly tries: number; readonly freeMs: number } {
    const credentials = this.#accounts.get(account) ?? new Map<string, readonly number[]>();
    const times = [...(credentials.get(credential) ?? []), nowMs].slice(-maxTriesPerDay);
    credentials.set(credential, times);
    if (credentials.size > maxRefusedPerAccount) deleteOldest(credentials);
    this.#accounts.set(account, credentials);
    return { tries: times.filter((ms) => ms > nowMs - dayMs).length, freeMs: freeAtMs(times) };
  }

  forget({ account, credential }: Credential): void {
    const credentials = this.#accounts.get(account);
    if (credentials?.delete(credential) && credentials.size === 0) this.#accounts.delete(account);
  }
}

function freeAtMs(times: readonly number[]): number {
  return times.length < maxTriesPerDay ? 0 : (times[0] ?? 0) + dayMs;
}

function deleteOldest(credentials: Map<string, readonly number[]>): void {
  let oldest: readonly [credential: string, lastMs: number] | undefined;
  for (const [credential, times] of credentials) {
    const lastMs = times.at(-1) ?? 0;
    if (oldest === undefined || lastMs < oldest[1]) oldest = [credential, lastMs];
  }
  if (oldest !== undefined) credentials.delete(oldest[0]);
}
