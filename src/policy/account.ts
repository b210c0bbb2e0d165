import { comparableName, lowerCaseAscii } from './lower-case.ts';

/** A login name, read as an account of some domain where it names one. */
export interface Account {
  /** As it is counted, logged and compared: lower case, no blanks around it, `localpart@domain` where there is a domain. */
  readonly name: string;
  /** As the client wrote it; without a domain this is the whole login. */
  readonly localpart: string;
  /** The login in the form servers expect: the client's own letters, with `@` before the domain. */
  readonly address: string;
  /** Lower case. */
  readonly domain?: string;
}

/** Every way to read a login name as `localpart`, separator, `domain`, best first, then as a name without a domain. */
export function readAccounts(login: string, separators: string): readonly Account[] {
  const accounts: Account[] = [];
  for (const separator of separators) {
    const at = login.lastIndexOf(separator);
    if (at <= 0 || at === login.length - 1) continue;
    const localpart = login.slice(0, at);
    const address = `${localpart}@${login.slice(at + 1)}`;
    accounts.push({ name: comparableName(address), localpart, address, domain: lowerCaseAscii(login.slice(at + 1)) });
  }
  accounts.push({ name: comparableName(login), localpart: login, address: login });
  return accounts;
}
