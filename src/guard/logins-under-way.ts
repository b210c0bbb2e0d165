import { pairSubject } from '../policy/limit-subjects.ts';
import type { LoginLimits } from '../policy/login-limits.ts';
import type { LoginKey } from './guard-store.ts';

/** Whose logins under way are not bounded. */
export interface Exemptions {
  readonly isAddressExempt: boolean;
  readonly isAccountExempt: boolean;
}

/** A login under way, until it is left. */
export interface LoginUnderWay {
  /** It turned out to be a stranger's. False: as many of them are under way from its network as may fail there. */
  enterAsStranger(): boolean;
  leave(): void;
}

/** This process's logins under way: guesses sent all at once would otherwise all pass before one is counted. */
export class LoginsUnderWay {
  readonly #limits: LoginLimits;
  readonly #byAddress = new Map<string, number>();
  readonly #byPair = new Map<string, number>();
  /** Strangers' alone: a spraying network has addresses and accounts without end. */
  readonly #byNetwork = new Map<string, number>();

  constructor(limits: LoginLimits) {
    this.#limits = limits;
  }

  /** Lets a login in, or names what is full. An account as a whole is bounded by reservations in the store. */
  enter(login: LoginKey, exemptions: Exemptions): LoginUnderWay | 'address' | 'pair' {
    if (exemptions.isAddressExempt) return { enterAsStranger: () => true, leave: () => {} };
    const { address, network } = login;
    const pair = exemptions.isAccountExempt ? undefined : pairSubject(login);
    if ((this.#byAddress.get(address) ?? 0) >= this.#limits.loginsPerAddress) return 'address';
    const maxOfPair = this.#limits.perAddressAndAccount.threshold;
    if (pair !== undefined && (this.#byPair.get(pair) ?? 0) >= maxOfPair) return 'pair';
    change(this.#byAddress, { key: address, by: 1 });
    if (pair !== undefined) change(this.#byPair, { key: pair, by: 1 });
    let isStranger = false;
    return {
      enterAsStranger: () => {
        if ((this.#byNetwork.get(network) ?? 0) >= this.#limits.perNetwork.threshold) return false;
        isStranger = true;
        change(this.#byNetwork, { key: network, by: 1 });
        return true;
      },
      leave: () => {
        if (isStranger) change(this.#byNetwork, { key: network, by: -1 });
        change(this.#byAddress, { key: address, by: -1 });
        if (pair !== undefined) change(this.#byPair, { key: pair, by: -1 });
      },
    };
  }
}

function change(counts: Map<string, number>, { key, by }: { readonly key: string; readonly by: 1 | -1 }): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
