import { maxOwnersPerNetwork } from '../policy/guard/bounds.ts';
import { BoundedMap } from './bounded-map.ts';
import type { LoginKey } from './guard-store.ts';

/** Networks that somebody logged in from: only a right password adds one. */
const maxOwnedNetworks = 50_000;

/** Where somebody logged in from. */
export class NetworkOwners {
  readonly #options: { readonly knownForMs: number };
  /** Addresses with the last login from there, by network, the oldest first. */
  readonly #networks = new BoundedMap<BoundedMap<number>>(maxOwnedNetworks);

  constructor(options: { readonly knownForMs: number }) {
    this.#options = options;
  }

  note({ address, network }: Pick<LoginKey, 'address' | 'network'>, atMs: number): void {
    const addresses = this.#networks.get(network) ?? new BoundedMap<number>(maxOwnersPerNetwork);
    addresses.set(address, Math.max(addresses.get(address) ?? 0, atMs));
    this.#networks.set(network, addresses);
  }

  isOwned({ address, network }: Pick<LoginKey, 'address' | 'network'>, nowMs: number): boolean {
    const seenMs = this.#networks.get(network)?.get(address);
    return seenMs !== undefined && seenMs > nowMs - this.#options.knownForMs;
  }

  /** Whether any address of the network is owned. */
  isNetworkOwned(network: string, nowMs: number): boolean {
    for (const [, seenMs] of this.#networks.get(network)?.entries() ?? []) {
      if (seenMs > nowMs - this.#options.knownForMs) return true;
    }
    return false;
  }
}
