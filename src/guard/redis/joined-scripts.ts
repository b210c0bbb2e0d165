import { StoreUnavailable } from '../../proxy/store-unavailable.ts';

/** Two ways to ask the same of Redis. */
export interface Question<T> {
  /** One script, whose keys are in several slots. */
  readonly joined: () => Promise<T>;
  /** A script for each slot. */
  readonly apart: () => Promise<T>;
}

/** Asks with one script where one server has all keys, and on a Cluster with one for each slot. */
export class JoinedScripts {
  #areJoined: boolean;

  constructor({ isCluster }: { readonly isCluster: boolean }) {
    this.#areJoined = !isCluster;
  }

  async ask<T>({ joined, apart }: Question<T>): Promise<T> {
    if (!this.#areJoined) return apart();
    try {
      return await joined();
    } catch (error) {
      if (!isAboutSlots(error)) throw error;
      // One address may stand for a whole Cluster, which shows only now.
      this.#areJoined = false;
      return apart();
    }
  }
}

/** Redis ran nothing, as the keys of the script are in several slots. */
function isAboutSlots(error: unknown): boolean {
  const { cause } = error instanceof StoreUnavailable ? error : {};
  return cause instanceof Error && cause.message.startsWith('CROSSSLOT');
}
