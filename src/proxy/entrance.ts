import type { AddressRefusal } from '../policy/blocked-address.ts';
import { limitedNetwork } from '../policy/ip-network.ts';
import type { Guard } from './ports.ts';

/** Why a client is not let in. */
export type EntryRefusal =
  | { readonly reason: 'overloaded' | 'max_total' | 'max_per_address' }
  | { readonly reason: 'blocked'; readonly block: AddressRefusal };

/** Says who may come in, and counts who is in. */
export interface Entrance {
  /**
   * Takes a place for a client, without an address for one that is not known yet. Undefined: it may come in. Answers later
   * where others count too. Never rejects.
   */
  enter(address?: string): EntryRefusal | undefined | Promise<EntryRefusal | undefined>;
  /** Gives back a place that was taken for the same address, or for none. */
  leave(address?: string): void;
}

/** How many may be in. */
export interface EntranceLimits {
  readonly maxTotal: number;
  /** From one IPv4 address or IPv6 /64, which is what one host has. */
  readonly maxPerAddress: number;
}

/** What an entrance goes by. */
export interface EntranceOptions {
  /** Those that hold now; who is in stays in, however many they are. */
  readonly limits: () => EntranceLimits;
  readonly guard: Pick<Guard, 'refusesAddress'>;
  /** Whether one more session would be one too many for this process; absent: never. */
  readonly isOverloaded?: () => boolean;
}

/** Counts everybody itself. */
export class CountingEntrance implements Entrance {
  readonly #options: EntranceOptions;
  readonly #byNetwork = new Map<string, number>();
  #total = 0;

  constructor(options: EntranceOptions) {
    this.#options = options;
  }

  enter(address?: string): EntryRefusal | undefined {
    const { limits, guard, isOverloaded } = this.#options;
    if (isOverloaded?.()) return { reason: 'overloaded' };
    const { maxTotal, maxPerAddress } = limits();
    if (this.#total >= maxTotal) return { reason: 'max_total' };
    if (address !== undefined) {
      const network = limitedNetwork(address);
      const inside = this.#byNetwork.get(network) ?? 0;
      if (inside >= maxPerAddress) return { reason: 'max_per_address' };
      const block = guard.refusesAddress(address);
      if (block !== undefined) return { reason: 'blocked', block };
      this.#byNetwork.set(network, inside + 1);
    }
    this.#total += 1;
    return undefined;
  }

  leave(address?: string): void {
    this.#total -= 1;
    if (address === undefined) return;
    const network = limitedNetwork(address);
    const left = (this.#byNetwork.get(network) ?? 1) - 1;
    if (left > 0) this.#byNetwork.set(network, left);
    else this.#byNetwork.delete(network);
  }
}
