import { limitedNetwork, widerNetwork } from './ip-network.ts';
import type { LimitName } from './login-limits.ts';
import { lowerCaseAscii } from './lower-case.ts';

/** The longest local part and domain that SMTP can deliver to (RFC 5321 §4.5.3.1), and the `@` between them. */
const maxAccountCharacters = 64 + 1 + 255;

/** Where a login comes from and what it is for, as it is counted. */
export interface LoginPlace {
  /** Lower case, bounded. */
  readonly account: string;
  /** What one host has: an IPv4 address, an IPv6 /64. */
  readonly address: string;
  /** The network around it: IPv4 /24, IPv6 /48. */
  readonly network: string;
}

/** What each limit counts for one login, as text that serves as key, log field and in the admin API. */
export type LimitSubjects = Readonly<Record<LimitName, string>>;

/** Reads a client's address and the account it asks for. */
export function loginPlace({ address, account }: { readonly address: string; readonly account: string }): LoginPlace {
  return { account: limitedAccount(account), address: limitedNetwork(address), network: widerNetwork(address) };
}

/** An account as it is counted: names that no mailbox can have share a count by their beginning. */
export function limitedAccount(account: string): string {
  const lower = lowerCaseAscii(account);
  return lower.length <= maxAccountCharacters ? lower : `${lower.slice(0, maxAccountCharacters)}…`;
}

/** Names what a login counts against. */
export function limitSubjects({ account, address, network }: LoginPlace): LimitSubjects {
  return {
    perAddress: address,
    perNetwork: network,
    perAccount: account,
    perAddressAndAccount: pairSubject({ account, address }),
    accountsPerNetwork: network,
    passwordsPerAccount: account,
  };
}

/** Names an account from one address. Unambiguous: an address holds no space, so the last ` from ` is the one put here. */
export function pairSubject({ account, address }: Pick<LoginPlace, 'account' | 'address'>): string {
  return `${account} from ${address}`;
}

/** The account of a pair that `pairSubject` named. */
export function pairAccount(subject: string): string {
  return subject.slice(0, subject.lastIndexOf(' from '));
}

/** What a limit counts different ones of: accounts, or credentials. */
export function limitMember(
  limit: LimitName,
  { credential, accountHash }: { readonly credential: string; readonly accountHash: string },
): string {
  return limit === 'accountsPerNetwork' ? accountHash : credential;
}
