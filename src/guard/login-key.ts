import { type LoginPlace, loginPlace } from '../policy/limit-subjects.ts';
import type { LoginAttempt } from '../proxy/ports.ts';
import type { LoginKey } from './guard-store.ts';
import type { HashKey } from './hash-key.ts';

/** A login attempt as stores know it. Its password is hashed at once and not kept. */
export class HashedLogin implements LoginKey {
  readonly sessionId: string;
  readonly account: string;
  readonly address: string;
  readonly network: string;
  readonly credential: string;
  readonly isExempt: boolean;
  readonly #key: HashKey;
  #accountHash: string | undefined;

  constructor(attempt: LoginAttempt, options: { readonly key: HashKey; readonly isExempt: boolean }) {
    const { account, address, network }: LoginPlace = loginPlace(attempt);
    this.sessionId = attempt.sessionId;
    this.account = account;
    this.address = address;
    this.network = network;
    this.isExempt = options.isExempt;
    this.#key = options.key;
    // A password holds no NUL: the two cannot be taken for another account and its password.
    this.credential = options.key.hash(`${account}\0${attempt.password}`);
  }

  /** Made when it is asked for: a login that succeeds needs none. */
  get accountHash(): string {
    this.#accountHash ??= this.#key.hash(this.account);
    return this.#accountHash;
  }
}
