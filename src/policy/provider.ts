import type { Spelling } from './spelling.ts';
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
  /** Names that it takes for one, where it does. */
  readonly spelling?: Spelling;
  /** What the provider accepts as password; absent where no source tells. */
  readonly password?: 'account' | 'app-password' | 'secure-mail-key' | 'oauth-only';
  /** Shortest time between two checks that the provider permits, seconds. */
  readonly minPollSeconds?: number;
  readonly notes?: string;
  /** Where the facts of this entry were seen. */
  readonly sources: readonly string[];
}

/**
 * The text behind `-ERR` for an account at a provider that no password login over POP3 can reach, with its response
 * code (RFC 3206 §4); undefined where the provider can be served.
 */
export function replyForUnservedProvider(provider: Provider): string | undefined {
  if (provider.pop3 === undefined) {
    return (
      `[SYS/PERM] ${provider.name} offers no POP3, so this gateway cannot fetch its mail. ` +
      "Please use the provider's web site or own app"
    );
  }
  if (provider.password === 'oauth-only') {
    return (
      `[SYS/PERM] ${provider.name} takes no passwords, only OAuth sign-in, which this gateway does not do; ` +
      "your password was not sent. Please use the provider's web site or own app"
    );
  }
  return undefined;
}
