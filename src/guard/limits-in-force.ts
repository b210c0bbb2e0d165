import type { LoginLimit, LoginLimits, ReplyDelay } from '../policy/login-limits.ts';
import type { Networks } from '../policy/networks.ts';

/**
 * The login limits that hold now: one object for all who go by them, who ask it each time and keep no part of it. What was
 * counted, blocked and remembered under the limits from before stays.
 */
export class LimitsInForce implements LoginLimits {
  /** What is hashed already is known by its hash: the key stays for the life of the process. */
  readonly hashKey?: string;
  #limits: LoginLimits;

  constructor(limits: LoginLimits) {
    this.#limits = limits;
    if (limits.hashKey !== undefined) this.hashKey = limits.hashKey;
  }

  /** Holds to others from now on, but for their hash key. */
  replace(limits: LoginLimits): void {
    this.#limits = limits;
  }

  get perAddress(): LoginLimit {
    return this.#limits.perAddress;
  }

  get perNetwork(): LoginLimit {
    return this.#limits.perNetwork;
  }

  get perAccount(): LoginLimit {
    return this.#limits.perAccount;
  }

  get perAddressAndAccount(): LoginLimit {
    return this.#limits.perAddressAndAccount;
  }

  get accountsPerNetwork(): LoginLimit {
    return this.#limits.accountsPerNetwork;
  }

  get passwordsPerAccount(): LoginLimit {
    return this.#limits.passwordsPerAccount;
  }

  get refusedPasswordsMs(): number {
    return this.#limits.refusedPasswordsMs;
  }

  get knownForMs(): number {
    return this.#limits.knownForMs;
  }

  get loginsPerAddress(): number {
    return this.#limits.loginsPerAddress;
  }

  get sessionsPerAccount(): number {
    return this.#limits.sessionsPerAccount;
  }

  get replyDelay(): ReplyDelay {
    return this.#limits.replyDelay;
  }

  get exempt(): Networks {
    return this.#limits.exempt;
  }

  get onStoreFailure(): 'local' | 'refuse' {
    return this.#limits.onStoreFailure;
  }
}
