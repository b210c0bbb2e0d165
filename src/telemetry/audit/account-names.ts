import { createHmac } from 'node:crypto';
import { lowerCaseAscii } from '../../policy/lower-case.ts';
import { printableAccount } from '../printable.ts';

/** 128 bits: no two accounts share them, and records stay short. */
const hashDigits = 32;

/** An account in a record: by its name, or by its hash. */
export interface AccountName {
  readonly account?: string;
  readonly accountHash?: string;
}

/** Names accounts in records as they are. */
export function plainAccount(account: string): AccountName {
  return { account: printableAccount(account) };
}

/** Names accounts in records by a hash that only who has the key can find again; upper and lower case are the same. */
export function hashedAccount(account: string, key: string): AccountName & { readonly accountHash: string } {
  const hash = createHmac('sha256', key).update(lowerCaseAscii(account), 'utf8').digest('hex');
  return { accountHash: hash.slice(0, hashDigits) };
}
