import { describe, expect, it } from 'vitest';
import { maskedConfig } from '../../src/config/masked-config.ts';
import { authorityPem, configOf, oneListener, problemsOf } from './parsing.ts';

const files = { '/etc/postern/ca.pem': authorityPem, '/run/secrets/nonce': 'localized_random_string\n' };
const policyServerOf = (yaml: string) => configOf(`${oneListener}policyServer: ${yaml}\n`, { files }).policyServer;
const problemsWith = (yaml: string) => problemsOf(`${oneListener}policyServer: ${yaml}\n`, { files });

const url = 'url: "https://wforce.test:8084/"';
const nonce = 'hashNonce: localized_random_string';

describe('policyServer', () => {
  it('is nobody by default', () => {
    expect(configOf(oneListener)).not.toHaveProperty('policyServer');
  });

  it('has Dovecot’s defaults', () => {
    expect(policyServerOf(`{${url}, hashNonce: {file: /run/secrets/nonce}}`)).toEqual({
      url: 'https://wforce.test:8084/',
      hash: { mech: 'sha256', nonce: 'localized_random_string', truncateBits: 12 },
      timeoutMs: 2_000,
      onFailure: 'allow',
      checkBefore: true,
      reportAfter: true,
    });
  });

  it('takes everything else', () => {
    const rest = 'hashMech: sha1, hashTruncate: 16, timeout: 500ms, onFailure: reject, checkBefore: false, ca: ca.pem';
    expect(policyServerOf(`{${url}, ${nonce}, apiHeader: "Authorization: Basic d2Y6cw==", ${rest}}`)).toEqual({
      url: 'https://wforce.test:8084/',
      apiHeader: 'Authorization: Basic d2Y6cw==',
      ca: authorityPem,
      hash: { mech: 'sha1', nonce: 'localized_random_string', truncateBits: 16 },
      timeoutMs: 500,
      onFailure: 'reject',
      checkBefore: false,
      reportAfter: true,
    });
  });

  it.each(['http://127.0.0.1:8084', 'http://wforce:s%3Aper@[::1]:8084/?a=b&', 'https://wforce.test/policy'])(
    'takes the URL %s',
    (written) => {
      expect(policyServerOf(`{url: "${written}", ${nonce}}`)?.url).toBe(written);
    },
  );

  it.each(['127.0.0.1:8084', 'ftp://wforce.test', 'https://', 'https://a b', 'https://a/#b', 'http://a:%zz@b'])(
    'refuses %s as URL, without repeating it',
    (written) => {
      const problems = problemsWith(`{url: "${written}", ${nonce}}`);
      expect(problems).toEqual([expect.stringMatching(/policyServer\.url: \(hidden\) is not accepted: a URL /)]);
    },
  );

  it.each([
    [`{${url}}`, 'policyServer.hashNonce: missing: a secret of 8 to 512 visible ASCII characters'],
    [`{${nonce}}`, 'policyServer.url: missing: a URL such as https://'],
    [`{${url}, hashNonce: short}`, 'policyServer.hashNonce: (hidden) is not accepted: a secret of 8 to 512'],
    [
      `{${url}, ${nonce}, hashTruncate: 0}`,
      'policyServer.hashTruncate: "0" is not accepted: a whole number from 1 to 24',
    ],
    [`{${url}, ${nonce}, hashTruncate: 256}`, 'policyServer.hashTruncate: "256" is not accepted: a whole number'],
    [`{${url}, ${nonce}, hashMech: crypt}`, 'policyServer.hashMech: "crypt" is not accepted: sha256, sha512'],
    [
      `{${url}, ${nonce}, apiHeader: "Two words: \\u00fc"}`,
      'policyServer.apiHeader: (hidden) is not accepted: a header',
    ],
    [`{url: "http://127.0.0.1/", ${nonce}, ca: ca.pem}`, 'policyServer.ca: "ca.pem" is not accepted: it needs TLS'],
    [`{${url}, ${nonce}, ca: none.pem}`, 'policyServer.ca: "none.pem" cannot be read: there is no such file'],
    [
      `{${url}, ${nonce}, checkBefore: false, reportAfter: false}`,
      'policyServer.reportAfter: "false" is not accepted: true, as with `checkBefore: false` nothing else is sent',
    ],
  ])('refuses %s', (yaml, problem) => {
    expect(problemsWith(yaml)).toEqual([expect.stringContaining(problem)]);
  });

  it('shows admins none of its secrets', () => {
    const secrets = ['s3cret-in-the-url', 's3cret-in-the-header', 's3cret-of-the-hash'];
    const [inUrl, inHeader, ofHash] = secrets;
    const config = configOf(
      `${oneListener}policyServer: {url: "https://wforce:${inUrl}@wforce.test/", apiHeader: ${inHeader}, hashNonce: ${ofHash}}\n`,
    );
    const text = JSON.stringify(maskedConfig(config));
    for (const secret of secrets) expect(text).not.toContain(secret);
  });
});

describe('log.loginLines', () => {
  const logOf = (yaml: string) => configOf(`${oneListener}log: ${yaml}\n`).log;

  it('is off by default', () => {
    expect(configOf(oneListener).log).toEqual({ level: 'info', format: 'auto' });
  });

  it('goes among the lines of the log, or to a file', () => {
    expect(logOf('{loginLines: dovecot}').loginLines).toEqual({});
    expect(logOf('{loginLines: dovecot, loginLinesFile: logins.log}').loginLines).toEqual({
      file: '/etc/postern/logins.log',
    });
  });

  it('refuses a file that nothing would be written to', () => {
    const reason = 'log.loginLinesFile: "a.log" is not accepted: it needs `loginLines: dovecot` beside it';
    for (const lines of ['', 'loginLines: none, ']) {
      const problems = problemsOf(`${oneListener}log: {${lines}loginLinesFile: a.log}\n`);
      expect(problems).toEqual([expect.stringContaining(reason)]);
    }
  });

  it('complains once of a form it does not know', () => {
    const problems = problemsOf(`${oneListener}log: {loginLines: postfix, loginLinesFile: a.log}\n`);
    expect(problems).toEqual([expect.stringContaining('log.loginLines: "postfix" is not accepted: none or dovecot')]);
  });
});
