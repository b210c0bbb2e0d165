import { createHash, timingSafeEqual } from 'node:crypto';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { AdminRole, AdminToken } from '../config/config.ts';
import { limitedNetwork } from '../policy/ip-network.ts';

/** Whose token a request came with. */
export interface Admin {
  readonly name: string;
  readonly role: AdminRole;
}

/** What a token is worth. */
export type TokenCheck =
  | { readonly kind: 'admin'; readonly admin: Admin }
  | { readonly kind: 'wrong' }
  /** Too many wrong ones came from there. */
  | { readonly kind: 'limited'; readonly retryAfterSeconds: number };

/** Wrong tokens that one address may send within the window, in seconds; enough for typing, hopeless for guessing. */
const maxFailures = 10;
const windowSeconds = 60;
/** Addresses counted at once. Those beyond are not: tokens are too long to be guessed from however many addresses. */
const maxCountedAddresses = 10_000;

type KnownToken = Admin & { readonly digest: Buffer };

/** Checks admin tokens, whichever are configured at that moment, and limits who guesses. */
export class AdminTokens {
  readonly #tokens: () => readonly AdminToken[];
  readonly #failures = new RateLimiterMemory({ points: maxFailures, duration: windowSeconds });
  /** When each counted address was first seen failing within its window, ms, in that order. */
  readonly #counted = new Map<string, number>();
  #known: { readonly of: readonly AdminToken[]; readonly tokens: readonly KnownToken[] } | undefined;

  constructor(tokens: () => readonly AdminToken[]) {
    this.#tokens = tokens;
  }

  /** The right token waits as well where the address has failed too often: else the limit would not hinder who is guessing. */
  async check(token: string, address: string): Promise<TokenCheck> {
    const subject = limitedNetwork(address);
    const admin = this.find(digestOf(token));
    // Counted before anything is waited for: many may come at once.
    const isCounted = admin === undefined && this.#mayCount(subject);
    const counted = await (isCounted ? this.#failures.penalty(subject) : this.#failures.get(subject));
    const most = isCounted ? maxFailures : maxFailures - 1;
    if (counted !== null && counted.consumedPoints > most) {
      return { kind: 'limited', retryAfterSeconds: Math.max(1, Math.ceil(counted.msBeforeNext / 1000)) };
    }
    return admin === undefined ? { kind: 'wrong' } : { kind: 'admin', admin };
  }

  /**
   * Whose token has this digest, if one is configured that has: for what outlives one request. Compares digests, which have
   * one length, and all of them, so that the time tells nothing about any token.
   */
  find(digest: Buffer): Admin | undefined {
    let found: Admin | undefined;
    for (const { name, role, digest: expected } of this.#knownTokens()) {
      if (timingSafeEqual(digest, expected)) found = { name, role };
    }
    return found;
  }

  #knownTokens(): readonly KnownToken[] {
    const tokens = this.#tokens();
    if (this.#known?.of !== tokens) {
      this.#known = {
        of: tokens,
        tokens: tokens.map(({ name, role, token }) => ({ name, role, digest: digestOf(token) })),
      };
    }
    return this.#known.tokens;
  }

  #mayCount(subject: string): boolean {
    const nowMs = performance.now();
    for (const [address, sinceMs] of this.#counted) {
      if (nowMs - sinceMs < windowSeconds * 1_000) break;
      this.#counted.delete(address);
    }
    if (this.#counted.has(subject)) return true;
    if (this.#counted.size >= maxCountedAddresses) return false;
    this.#counted.set(subject, nowMs);
    return true;
  }
}

/** What stands for a token where the token itself should not. */
export function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
