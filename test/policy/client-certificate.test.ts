import { describe, expect, test } from 'vitest';
import {
  type CertificateAccounts,
  type ClientIdentity,
  isAccountPermitted,
} from '../../src/policy/client-certificate.ts';

const scanner: ClientIdentity = {
  subject: 'O=Corp, CN=scanner-3',
  commonName: 'scanner-3',
  fingerprint: 'a'.repeat(64),
};
const nameless: ClientIdentity = { subject: 'O=Corp', fingerprint: 'b'.repeat(64) };
const stranger: ClientIdentity = { subject: 'CN=stranger', commonName: 'stranger', fingerprint: 'c'.repeat(64) };

const byName = (commonName: string, ...accounts: string[]): CertificateAccounts => ({
  certificate: { kind: 'commonName', commonName },
  accounts,
});
const byFingerprint = (fingerprint: string, ...accounts: string[]): CertificateAccounts => ({
  certificate: { kind: 'fingerprint', fingerprint },
  accounts,
});

const rules = [
  byName('scanner-3', 'scan@corp.test', '*@scans.test'),
  byName('scanner-3', 'second@corp.test'),
  byFingerprint('b'.repeat(64), 'kiosk'),
  byName('nobody', '*@corp.test'),
];

describe(isAccountPermitted, () => {
  test.each<[string, ClientIdentity | undefined, string, boolean]>([
    ['an account of its list', scanner, 'scan@corp.test', true],
    ['an account of its second list', scanner, 'second@corp.test', true],
    ['any account of a domain', scanner, 'anybody@scans.test', true],
    ['an account that has several @, by the last', scanner, 'a@b.test@scans.test', true],
    ['another account of the domain', scanner, 'boss@corp.test', false],
    ['an account of a domain below', scanner, 'scan@sub.scans.test', false],
    ['an account of a domain that ends alike', scanner, 'scan@notscans.test', false],
    ['the bare domain', scanner, 'scans.test', false],
    ['an account without a domain', scanner, 'kiosk', false],
    ['what another certificate may use', scanner, 'kiosk@corp.test', false],
    ['what its fingerprint may use', nameless, 'kiosk', true],
    ['what a name may use', nameless, 'scan@corp.test', false],
    ['an account without being listed', stranger, 'scan@corp.test', false],
    ['an account without a certificate', undefined, 'scan@corp.test', false],
  ])('says of %s (%j, %s): %j', (_, certificate, account, expected) => {
    expect(isAccountPermitted(rules, { account, ...(certificate && { certificate }) })).toBe(expected);
  });

  test('permits everybody everything without rules, and nothing with an empty list of them', () => {
    for (const certificate of [scanner, undefined]) {
      const use = { account: 'scan@corp.test', ...(certificate && { certificate }) };
      expect(isAccountPermitted(undefined, use)).toBe(true);
      expect(isAccountPermitted([], use)).toBe(false);
    }
  });
});
