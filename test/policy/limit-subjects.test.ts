import { describe, expect, test } from 'vitest';
import { limitSubjects } from '../../src/policy/limit-subjects.ts';

describe('limitSubjects', () => {
  test('names the address, the account and both', () => {
    expect(limitSubjects({ address: '192.0.2.7', account: 'alice@att.net' })).toEqual({
      perAddress: '192.0.2.7',
      perAccount: 'alice@att.net',
      perAddressAndAccount: 'alice@att.net from 192.0.2.7',
    });
  });

  test('counts an account the same however its letters are written', () => {
    expect(limitSubjects({ address: '192.0.2.7', account: 'ALICE@Att.NET' }).perAccount).toBe('alice@att.net');
  });

  test('leaves octets above ASCII as they are', () => {
    expect(limitSubjects({ address: '192.0.2.7', account: '\u00c3\u009c@att.net' }).perAccount).toBe(
      '\u00c3\u009c@att.net',
    );
  });

  test('keeps the longest account a mailbox can have', () => {
    const account = `${'a'.repeat(64)}@${'b'.repeat(255)}`;
    expect(limitSubjects({ address: '192.0.2.7', account }).perAccount).toBe(account);
  });

  test('bounds a longer account, apart from the one it begins with', () => {
    const longest = 'a'.repeat(320);
    const bounded = limitSubjects({ address: '192.0.2.7', account: 'a'.repeat(12_288) }).perAccount;
    expect(bounded.length).toBe(321);
    expect(bounded).not.toBe(longest);
  });

  test('tells pairs apart where an account looks like one', () => {
    const pair = limitSubjects({ address: '192.0.2.7', account: 'alice' }).perAddressAndAccount;
    const other = limitSubjects({ address: '192.0.2.7', account: 'alice from 192.0.2.7' }).perAddressAndAccount;
    expect(other).not.toBe(pair);
  });
});
