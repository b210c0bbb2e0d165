import type { Account } from './account.ts';

/** How a server reads names that lead to one maildrop: limits would count them apart, and a guesser has as many tries as spellings. */
export interface Spelling {
  /** Domains of the same maildrops, where dots before the "@" mean nothing; a name without a domain is of the first. */
  readonly dotlessDomains: readonly [string, ...string[]];
  /** Begins a name that asks for another view of the same maildrop; lower case. */
  readonly modePrefix: string;
}

/** The one spelling of an account that stands for all. */
export function spellOnce({ name, domain }: Account, spelling?: Spelling): string {
  // A final dot ends a name in the DNS, and servers that look one up take it.
  const hasFinalDot = domain !== undefined && name.endsWith('.');
  if (spelling === undefined && !hasFinalDot) return name;
  const end = domain === undefined ? name.length : name.lastIndexOf('@');
  const localpart = name.slice(0, end);
  const domainName = name.slice(end + 1).replace(/\.+$/, '');
  if (spelling === undefined) return `${localpart}@${domainName}`;
  const { dotlessDomains, modePrefix } = spelling;
  const user = localpart.startsWith(modePrefix) ? localpart.slice(modePrefix.length) : localpart;
  if (domain !== undefined && !dotlessDomains.includes(domainName)) return `${user}@${domainName}`;
  return `${user.replaceAll('.', '')}@${dotlessDomains[0]}`;
}
