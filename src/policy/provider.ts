import type { Upstream } from './upstream.ts';

/** A mail provider in the catalog. */
export interface Provider {
  /** Stable id; usable as an upstream name in the configuration. */
  readonly id: string;
  readonly name: string;
  /** Domains whose accounts live here, lower case. */
  readonly domains: readonly string[];
  /** Where POP3 is served; absent where the provider has none. */
  readonly pop3?: Pick<Upstream, 'host' | 'port' | 'tls'>;
  readonly username: Upstream['username'];
  /** What the provider accepts as password; absent where no source tells. */
  readonly password?: 'account' | 'app-password' | 'secure-mail-key' | 'oauth-only';
  /** Shortest time between two checks that the provider permits, seconds. */
  readonly minPollSeconds?: number;
  readonly notes?: string;
  /** Where the facts of this entry were seen. */
  readonly sources: readonly string[];
}
