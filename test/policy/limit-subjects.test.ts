import { describe, expect, test } from 'vitest';
import {
  limitedAccount,
  limitMember,
  limitSubjects,
  loginPlace,
  pairAccount,
} from '../../src/policy/limit-subjects.ts';
import { limitNames } from '../../src/policy/login-limits.ts';

const address = '192.0.2.7';

describe('limitSubjects', () => {
  test('names the address, its network, the account and the account from the address', () => {
    expect(limitSubjects(loginPlace({ address, account: 'alice@att.net' }))).toEqual({
      perAddress: '192.0.2.7',
      perNetwork: '192.0.2.0/24',
      perAccount: 'alice@att.net',
      perAddressAndAccount: 'alice@att.net from 192.0.2.7',
      accountsPerNetwork: '192.0.2.0/24',
      passwordsPerAccount: 'alice@att.net',
    });
  });

  test('tells pairs apart where an account looks like one', () => {
    const pairOf = (account: string) => limitSubjects(loginPlace({ address, account })).perAddressAndAccount;
    expect(pairOf('alice from 192.0.2.7')).not.toBe(pairOf('alice'));
    for (const account of ['alice', 'alice from 192.0.2.7', ' from '])
      expect(pairAccount(pairOf(account))).toBe(account);
  });
});

describe('limitMember', () => {
  test('is the account where accounts are counted, else the credential', () => {
    const login = { credential: 'hash of both', accountHash: 'hash of the account' };
    const ofAccounts = limitNames.filter((limit) => limitMember(limit, login) === login.accountHash);
    expect(ofAccounts).toEqual(['accountsPerNetwork']);
  });
});

describe('limitedAccount', () => {
  test('is the same however its letters are written', () => {
    expect(limitedAccount('ALICE@Att.NET')).toBe('alice@att.net');
  });

  test('leaves octets above ASCII as they are', () => {
    expect(limitedAccount('\u00c3\u009c@att.net')).toBe('\u00c3\u009c@att.net');
  });

  test('keeps the longest account a mailbox can have', () => {
    const account = `${'a'.repeat(64)}@${'b'.repeat(255)}`;
    expect(limitedAccount(account)).toBe(account);
  });

  test('bounds a longer account, apart from the one it begins with', () => {
    const bounded = limitedAccount('a'.repeat(12_288));
    expect(bounded.length).toBe(321);
    expect(bounded).not.toBe('a'.repeat(320));
  });
});
