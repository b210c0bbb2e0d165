import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/parse.ts';
import { authorityPem, configOf, parseOptions, problemsOf } from './parsing.ts';

const files = { '/etc/postern/ca.pem': authorityPem, '/etc/postern/empty.pem': '' };
const listener = (more: string) => `listeners: [{name: lan, address: "127.0.0.1:110", ${more}}]\n`;
const withCa = (more: string) => listener(`tls: implicit, clientCa: ca.pem, ${more}`);
const parsed = (more: string) => configOf(listener(more), { files }).listeners[0];
const problems = (text: string) => problemsOf(text, { files });

describe('listeners[].tlsProfile', () => {
  it.each(['modern', 'intermediate', 'legacy'])('may be %s', (tlsProfile) => {
    expect(parsed(`tls: starttls, tlsProfile: ${tlsProfile}`)?.tlsProfile).toBe(tlsProfile);
  });

  it.each([
    ['modern', true],
    ['intermediate', true],
    ['legacy', false],
  ])('%s is accepted on Deno: %j', (tlsProfile, isAccepted) => {
    const text = listener(`tls: starttls, tlsProfile: ${tlsProfile}`);
    const result = parseConfig(text, { ...parseOptions(), isDeno: true });
    expect(result.ok).toBe(isAccepted);
    if (result.ok) return;
    expect(result.problems).toMatchObject([
      { path: 'listeners[0].tlsProfile', message: expect.stringContaining('Deno has no TLS below 1.2') },
    ]);
  });
});

describe('listeners[].plaintextUntil', () => {
  it.each([
    ['2027-06-30', '2027-07-01T00:00:00Z'],
    ['2028-02-29', '2028-03-01T00:00:00Z'],
    ['2026-12-31', '2027-01-01T00:00:00Z'],
  ])('%s ends at %s', (date, end) => {
    const { plaintextEndsAtMs } = parsed(`tls: starttls, plaintextFrom: [10.0.0.0/8], plaintextUntil: ${date}`) ?? {};
    expect(plaintextEndsAtMs).toBe(Date.parse(end));
  });

  it.each(['2027-06-31', '2027-02-29', '2027-6-30', '30.06.2027', '2027-06-30T10:00:00Z', 'tomorrow', '0'])(
    'is refused as %s',
    (date) => {
      expect(problems(listener(`tls: starttls, plaintextFrom: [10.0.0.0/8], plaintextUntil: "${date}"`))).toEqual([
        `:1: listeners[0].plaintextUntil: "${date}" is not accepted: a date such as 2027-06-30`,
      ]);
    },
  );

  it.each(['', ', plaintextFrom: []'])('needs networks whose exception ends (%j)', (more) => {
    expect(problems(listener(`tls: starttls, plaintextUntil: 2027-06-30${more}`))).toEqual([
      expect.stringContaining('listeners[0].plaintextUntil: "2027-06-30" is not accepted: it needs plaintextFrom'),
    ]);
  });
});

describe('listeners[].clientCa', () => {
  it('is read, and means that certificates are required', () => {
    expect(parsed('tls: implicit, clientCa: ca.pem')?.clientCertificates).toEqual({
      mode: 'require',
      ca: authorityPem,
    });
    expect(parsed('tls: implicit, clientCa: ca.pem, clientCertificate: request')?.clientCertificates?.mode).toBe(
      'request',
    );
  });

  it.each([
    ['clientCa: missing.pem', 'clientCa: "missing.pem" cannot be read: there is no such file'],
    ['clientCa: empty.pem', 'clientCa: "empty.pem" is not accepted: a PEM file with certificates'],
    ['clientCertificate: require', 'clientCertificate: "require" is not accepted: it needs clientCa'],
    ['clientCertificate: maybe, clientCa: ca.pem', 'clientCertificate: "maybe" is not accepted: request or require'],
    [
      'certificateAccounts: [{certificate: CN=a, accounts: [b]}]',
      'certificateAccounts: a list is not accepted: it needs',
    ],
  ])('%s: %s', (more, problem) => {
    expect(problems(listener(`tls: implicit, ${more}`))).toEqual([expect.stringContaining(`listeners[0].${problem}`)]);
  });

  it('is refused where there is no TLS', () => {
    expect(problems(listener('tls: off, plaintextFrom: [10.0.0.0/8], clientCa: ca.pem'))).toEqual([
      expect.stringContaining('listeners[0].clientCa: "ca.pem" is not accepted: with `tls: off`'),
    ]);
  });
});

describe('listeners[].certificateAccounts', () => {
  const fingerprint = 'AB'.repeat(32);
  const withColons = fingerprint.match(/../g)?.join(':') ?? '';
  const accountsOf = (rule: string) =>
    configOf(withCa(`certificateAccounts: [${rule}]`), { files }).listeners[0]?.certificateAccounts;

  it.each([
    ['CN=scanner-3', { kind: 'commonName', commonName: 'scanner-3' }],
    ['cn=Two Words', { kind: 'commonName', commonName: 'Two Words' }],
    [fingerprint, { kind: 'fingerprint', fingerprint: 'ab'.repeat(32) }],
    [withColons, { kind: 'fingerprint', fingerprint: 'ab'.repeat(32) }],
  ])('names a certificate as %s', (certificate, expected) => {
    expect(accountsOf(`{certificate: "${certificate}", accounts: ["A@Corp.test", "*@Corp.test"]}`)).toEqual([
      { certificate: expected, accounts: ['a@corp.test', '*@corp.test'] },
    ]);
  });

  it.each(['scanner-3', 'CN=', 'CN= ', 'AB', `${fingerprint}AB`, 'OU=a'])(
    'does not take %j for a certificate',
    (text) => {
      const rule = `{certificate: "${text}", accounts: [a]}`;
      expect(problems(withCa(`certificateAccounts: [${rule}]`))).toEqual([
        expect.stringContaining('listeners[0].certificateAccounts[0].certificate'),
      ]);
    },
  );

  it.each(['*', '*@', '*.corp.test', '*@*.corp.test', 'a*@corp.test', 'a b', ''])(
    'does not take %j for an account',
    (text) => {
      const rule = `{certificate: CN=a, accounts: ["${text}"]}`;
      expect(problems(withCa(`certificateAccounts: [${rule}]`))).toEqual([
        expect.stringContaining('listeners[0].certificateAccounts[0].accounts[0]'),
      ]);
    },
  );

  it('needs an account for each certificate', () => {
    expect(problems(withCa('certificateAccounts: [{certificate: CN=a, accounts: []}]'))).toEqual([
      expect.stringContaining('at least one account'),
    ]);
  });
});
