import { limitedNetwork } from './ip-network.ts';
import type { LimitName } from './login-limits.ts';
import { lowerCaseAscii } from './lower-case.ts';

/** The longest local part and domain that SMTP can deliver to (RFC 5321 §4.5.3.1), and the `@` between them. */
const maxAccountCharacters = 64 + 1 + 255;

/** What each limit counts for one login, as text that serves as key, log field and in the admin API. */
export type LimitSubjects = Readonly<Record<LimitName, string>>;

/** Names what a login by `account` from `address` counts against. */
export function limitSubjects({
  address,
  account,
}: {
  readonly address: string;
  readonly account: string;
}): LimitSubjects {
  const network = limitedNetwork(address);
  const bounded = boundedAccount(account);
  return {
    perAddress: network,
    perAccount: bounded,
    // Unambiguous: a network holds no space, so the last ` from ` is the one put here.
    perAddressAndAccount: `${bounded} from ${network}`,
  };
}

/** Names that no mailbox can have share a count by their beginning. */
function boundedAccount(account: string): string {
  const lower = lowerCaseAscii(account);
  return lower.length <= maxAccountCharacters ? lower : `${lower.slice(0, maxAccountCharacters)}…`;
}
