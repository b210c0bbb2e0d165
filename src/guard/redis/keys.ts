import type { BlockName } from '../../policy/guard/facts.ts';
import { widerNetwork } from '../../policy/ip-network.ts';
import type { LimitName } from '../../policy/login-limits.ts';

/** The keys of one account, all in one slot. Unambiguous: what follows the last `}` is one of these words. */
export function accountKeys(account: string) {
  const tag = `{a:${account}}`;
  return {
    /** Hash: what was counted, and the blocks, by limit; for pairs by address. See `window-script.ts`. */
    windows: `${tag}windows`,
    /** Sorted set: addresses that logged in, by their last time. */
    known: `${tag}known`,
    /** Sorted set: credentials that were refused, by the time they lapse. */
    refused: `${tag}refused`,
    /** Hash: when refused credentials were tried last, 13 digits each time, the newest last. */
    tried: `${tag}tried`,
    /** Text: beginnings of the last accepted credentials, three characters each, the newest last. */
    accepted: `${tag}accepted`,
    /** Sorted set: sessions of strangers' logins under way, by the end of their lease. */
    underWay: `${tag}under-way`,
    /** Sorted set: live sessions by the end of their lease. */
    sessions: `${tag}sessions`,
  } as const;
}

/** The keys of one network, all in one slot. */
export function networkKeys(network: string) {
  const tag = `{n:${network}}`;
  return {
    /** Hash: what was counted, and the blocks, by limit; for addresses by address. */
    windows: `${tag}windows`,
    /** Sorted set: addresses that somebody logged in from, by the last time. */
    owners: `${tag}owners`,
  } as const;
}

/** The index of one limit's blocks; those of all limits are in one slot. */
export function indexKeys(limit: LimitName) {
  return {
    /** Sorted set: subjects by the end of their block. */
    ends: `{guard}blocks:${limit}`,
    /** Hash: strikes, and whether owners were seen, by subject. */
    notes: `{guard}block-notes:${limit}`,
  } as const;
}

/** The key that accounts and passwords are hashed with. The one key without an expiry: who forgets it forgets everything. */
export const hashKeyKey = '{guard}hash-key';

/** The field of a windows hash that holds a limit of the whole account or network; other fields are addresses. */
export const limitFields = {
  perAccount: 'account',
  passwordsPerAccount: 'passwords',
  perNetwork: 'network',
  accountsPerNetwork: 'accounts',
} as const;

/** Where the record of one limit's subject is. */
export interface WindowPlace {
  /** A windows hash. */
  readonly key: string;
  readonly field: string;
}

/** Finds the record that holds a block. */
export function placeOf({ limit, subject }: BlockName): WindowPlace {
  switch (limit) {
    case 'perAccount':
    case 'passwordsPerAccount':
      return { key: accountKeys(subject).windows, field: limitFields[limit] };
    case 'perAddressAndAccount': {
      const { account, address } = splitPair(subject);
      return { key: accountKeys(account).windows, field: address };
    }
    case 'perAddress':
      return { key: networkKeys(widerNetwork(subject)).windows, field: subject };
    case 'perNetwork':
    case 'accountsPerNetwork':
      return { key: networkKeys(subject).windows, field: limitFields[limit] };
  }
}

/** An address holds no space: the last ` from ` is the one that `pairSubject` put there. */
function splitPair(subject: string): { account: string; address: string } {
  const separator = ' from ';
  const end = subject.lastIndexOf(separator);
  return { account: subject.slice(0, end), address: subject.slice(end + separator.length) };
}
