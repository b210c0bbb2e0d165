import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readAccounts } from '../../src/policy/account.ts';

const separators = '@%#';

describe(readAccounts, () => {
  test("reads an address in the client's own letters, and in lower case to compare", () => {
    expect(readAccounts('Alice.Doe@ATT.net', separators)[0]).toEqual({
      name: 'alice.doe@att.net',
      localpart: 'Alice.Doe',
      address: 'Alice.Doe@ATT.net',
      domain: 'att.net',
    });
  });

  test('leaves octets above ASCII as they are: lower case could break a letter of UTF-8', () => {
    expect(readAccounts('Gr\xc3\x9cn@ATT.net', separators)[0]?.name).toBe('gr\xc3\x9cn@att.net');
  });

  test('writes any separator as "@"', () => {
    for (const login of ['alice%att.net', 'alice#att.net']) {
      expect(readAccounts(login, separators)[0]).toMatchObject({ name: 'alice@att.net', address: 'alice@att.net' });
    }
  });

  test('ends with the reading as a name without a domain', () => {
    for (const login of ['Alice', 'Alice@att.net', 'a%b#c']) {
      const last = readAccounts(login, separators).at(-1);
      expect(last).toEqual({ name: login.toLowerCase(), localpart: login, address: login });
    }
  });

  test.each<[string, string, readonly (string | undefined)[]]>([
    ['the best separator first', 'a%b.c@d.e#f', ['d.e#f', 'b.c@d.e#f', 'f', undefined]],
    ['the last of equal separators', 'alice@home@att.net', ['att.net', undefined]],
    ['no domain without a separator', 'alice', [undefined]],
    ['no domain without a local part', '@att.net', [undefined]],
    ['no domain where nothing follows', 'alice@', [undefined]],
    ['no domain in an empty login', '', [undefined]],
    ['no domain in a separator alone', '@', [undefined]],
    ['a separator within a local part', 'alice%home@att.net', ['att.net', 'home@att.net', undefined]],
  ])('finds %s', (_, login, domains) => {
    expect(readAccounts(login, separators).map(({ domain }) => domain)).toEqual(domains);
  });

  test('reads no domain where no separators are given', () => {
    expect(readAccounts('alice@att.net', '')).toHaveLength(1);
  });

  test('loses no letter of a login in any reading', () => {
    const login = fc.string({
      unit: fc.constantFrom('a', 'B', '.', '@', '%', '#', ' ', '\xe9', '\xff'),
      maxLength: 20,
    });
    fc.assert(
      fc.property(login, (text) => {
        for (const { localpart, domain, address, name } of readAccounts(text, separators)) {
          expect(address.replaceAll(/[%#]/g, '@')).toBe(text.replaceAll(/[%#]/g, '@'));
          expect(address.startsWith(localpart)).toBe(true);
          const spelled = domain === undefined ? text : `${localpart}@${domain}`;
          expect(name).toBe(spelled.toLowerCase().replace(/^ +| +$/g, ''));
        }
      }),
    );
  });
});
