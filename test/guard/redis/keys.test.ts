import { describe, expect, test } from 'vitest';
import { accountKeys, indexKeys, networkKeys, placeOf } from '../../../src/guard/redis/keys.ts';
import { hashSlot } from '../../../src/net/redis/hash-slot.ts';
import { limitSubjects } from '../../../src/policy/limit-subjects.ts';
import { limitNames } from '../../../src/policy/login-limits.ts';
import { loginOf } from './store-under-test.ts';

const hostileAccounts = ['', '}', '{', '}known', 'a}{b', 'x} from 10.0.0.1', '{guard}', 'ü@example.org'];

describe('the keys of', () => {
  test.each(hostileAccounts)('account "%s" are in one slot', (account) => {
    expect(new Set(Object.values(accountKeys(account)).map((key) => hashSlot(`postern:${key}`))).size).toBe(1);
  });

  test('different accounts and networks are different ones', () => {
    const keys = [...hostileAccounts, 'alice@att.net', 'alice@att.net}known'].flatMap((account) => [
      ...Object.values(accountKeys(account)),
      ...Object.values(networkKeys(account)),
    ]);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('all limits in the index are in one slot', () => {
    const keys = limitNames.flatMap((limit) => Object.values(indexKeys(limit)));
    expect(new Set(keys.map((key) => hashSlot(`postern:${key}`))).size).toBe(1);
  });
});

describe('placeOf', () => {
  test.each([...hostileAccounts, 'x from y', 'x from 10.0.0.1'])(
    'finds each block of a login to "%s" where the login counts',
    (account) => {
      for (const address of ['192.0.2.7', '2001:db8:1:2::3']) {
        const login = loginOf({ account, address });
        const subjects = limitSubjects(login);
        const { windows } = accountKeys(login.account);
        const ofNetwork = networkKeys(login.network).windows;
        expect(limitNames.map((limit) => placeOf({ limit, subject: subjects[limit] }))).toEqual([
          { key: ofNetwork, field: login.address },
          { key: ofNetwork, field: 'network' },
          { key: windows, field: 'account' },
          { key: windows, field: login.address },
          { key: ofNetwork, field: 'accounts' },
          { key: windows, field: 'passwords' },
        ]);
      }
    },
  );
});
