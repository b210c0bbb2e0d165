import { createHmac, randomBytes } from 'node:crypto';
import { StoreUnavailable } from '../proxy/store-unavailable.ts';

/** 64 bits: two credentials of an account never meet by chance, and a store holds twice as many of them. */
const hashDigits = 16;

/** Where the secret comes from; with neither it is random, and this process's own. */
export interface HashKeyOptions {
  /** From the configuration. */
  readonly secret?: string;
  /** Agrees with the other instances on one, which is the proposed one where there is none. Rejects with `StoreUnavailable`. */
  readonly agree?: (proposedSecret: string) => Promise<string>;
}

/** The key that accounts and passwords are hashed with. Another key forgets what was hashed with the first, and no more. */
export class HashKey {
  readonly #agree: ((proposedSecret: string) => Promise<string>) | undefined;
  #secret: string;
  #isAgreed: boolean;
  #agreeing: Promise<void> | undefined;

  constructor({ secret, agree }: HashKeyOptions = {}) {
    this.#secret = secret ?? randomBytes(32).toString('hex');
    this.#agree = secret === undefined ? agree : undefined;
    this.#isAgreed = this.#agree === undefined;
  }

  /** Resolves when the key is agreed on, or cannot be now; undefined: it is. Never rejects. */
  whenAgreed(): Promise<void> | undefined {
    if (this.#isAgreed) return undefined;
    this.#agreeing ??= this.#settle().finally(() => {
      this.#agreeing = undefined;
    });
    return this.#agreeing;
  }

  /** The store may have lost it, or another instance may have made one: it is agreed on again. */
  agreeAgain(): void {
    this.#isAgreed = this.#agree === undefined;
  }

  /** Agrees again without letting anybody wait: a store that lost the key gets it back before another instance makes one. */
  async refresh(): Promise<void> {
    if (this.#isAgreed) await this.#settle();
  }

  /** 16 hexadecimal digits. */
  hash(text: string): string {
    return createHmac('sha256', this.#secret).update(text).digest('hex').slice(0, hashDigits);
  }

  async #settle(): Promise<void> {
    try {
      this.#secret = (await this.#agree?.(this.#secret)) ?? this.#secret;
      this.#isAgreed = true;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }
}
