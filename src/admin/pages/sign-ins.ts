import { randomBytes } from 'node:crypto';
import { type Admin, type AdminTokens, digestOf } from '../admin-tokens.ts';

/** A working day, and no more. */
export const signInSeconds = 12 * 3_600;
/** Some browsers for each of some dozen admins; beyond, the oldest sign-in ends. */
const maxSignIns = 1_000;

interface SignIn {
  readonly tokenDigest: Buffer;
  readonly expiresAtMs: number;
}

/** Who has signed in to the pages: random ids, none of which says anything about the token behind it. */
export class SignIns {
  readonly #tokens: Pick<AdminTokens, 'find'>;
  readonly #nowMs: () => number;
  /** The oldest first, which is also the order in which they expire. */
  readonly #signIns = new Map<string, SignIn>();

  constructor(tokens: Pick<AdminTokens, 'find'>, nowMs: () => number) {
    this.#tokens = tokens;
    this.#nowMs = nowMs;
  }

  /** Signs in whoever has the token, and names the sign-in. */
  add(token: string): string {
    const nowMs = this.#nowMs();
    for (const [id, { expiresAtMs }] of this.#signIns) {
      if (expiresAtMs > nowMs && this.#signIns.size < maxSignIns) break;
      this.#signIns.delete(id);
    }
    const id = randomBytes(24).toString('base64url');
    this.#signIns.set(id, { tokenDigest: digestOf(token), expiresAtMs: nowMs + signInSeconds * 1_000 });
    return id;
  }

  /** Who signed in; undefined: nobody, it is over, or the token is no longer one of those that are configured. */
  find(id: string): Admin | undefined {
    const signIn = this.#signIns.get(id);
    if (signIn === undefined || signIn.expiresAtMs <= this.#nowMs()) return undefined;
    return this.#tokens.find(signIn.tokenDigest);
  }

  remove(id: string): void {
    this.#signIns.delete(id);
  }
}
