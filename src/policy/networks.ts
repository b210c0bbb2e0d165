/** A set of networks, as configuration spells them: CIDR blocks and single addresses. */
export interface Networks {
  /** Whether `address` (IPv4 or IPv6 text, never IPv4-mapped) lies in one of the networks. */
  includes(address: string): boolean;
  /** The networks in CIDR form, for people. */
  readonly blocks: readonly string[];
}

/** The empty set: what `plaintextFrom` and `exempt` mean when nobody is named. */
export const noNetworks: Networks = { includes: () => false, blocks: [] };
