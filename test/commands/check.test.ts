import { describe, expect, it } from 'vitest';
import { type CheckOptions, runCheck } from '../../src/commands/check.ts';
import { authorityPem, parseOptions } from '../config/parsing.ts';

const listeners = `listeners:
  - {name: lan, address: 0.0.0.0:110, tls: starttls, plaintextFrom: [192.168.10.0/24], upstream: corp}
  - {name: pop3s, address: "[::]:995", tls: implicit}
`;
const certificates = 'tls: {certificates: [{cert: a.pem, key: a.key}, {cert: b.pem, key: b.key}]}\n';
const upstreams = 'upstreams: [{name: corp, host: mail.test, ca: ca.pem, domains: [corp.test, "*.corp.test"]}]\n';

function check(text: string | undefined, more: Partial<CheckOptions> = {}) {
  const printed = { out: '', err: '' };
  const exitCode = runCheck({
    ...parseOptions({ files: { '/etc/postern/ca.pem': authorityPem } }),
    config: text === undefined ? undefined : { text, file: '/etc/postern/postern.yaml' },
    verifyCertificates: () => [],
    out: (lines) => {
      printed.out += lines;
    },
    err: (lines) => {
      printed.err += lines;
    },
    ...more,
  });
  return { exitCode, ...printed };
}

const listenerToNowhere = 'listeners: [{name: lan, address: "127.0.0.1:110", tls: starttls}]\n';

describe('check', () => {
  it('sums a valid configuration up', () => {
    const more = 'redis: {url: "redis://:hunter2@redis.test"}\nrouting: {default: corp}\n';
    const tokens = 'admin: {tokens: [{name: ops, role: viewer, token: 0123456789abcdef}]}\n';
    const { exitCode, out, err } = check(listeners + certificates + upstreams + more + tokens);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
    expect(out.split('\n')).toEqual([
      '/etc/postern/postern.yaml is valid: 2 listeners, 1 upstream',
      '  listener lan    0.0.0.0:110, STLS (intermediate), logins without TLS from 192.168.10.0/24, to corp',
      '  listener pop3s  [::]:995, TLS (intermediate)',
      '  certificates    2',
      '  upstream corp   mail.test:995, TLS (TLSv1.2 or later, its own ca), corp.test *.corp.test',
      '  other accounts  to the provider of their domain, else to corp',
      '  login limits    in Redis, refused passwords remembered for 6 hours',
      '  admin           127.0.0.1:9110, 1 token',
    ]);
  });

  it('sums the embedded defaults up without a file', () => {
    const { exitCode, out } = check(undefined);
    expect(exitCode).toBe(0);
    expect(out.split('\n')).toEqual([
      'The embedded defaults are valid: 2 listeners, 0 upstreams',
      '  listener starttls  127.0.0.1:1110, STLS (intermediate), logins without TLS from 127.0.0.0/8',
      '  listener implicit  127.0.0.1:1995, TLS (intermediate)',
      '  certificates       self-signed, made at start',
      '  other accounts     to the provider of their domain, or refused',
      '  login limits       in memory, refused passwords remembered for 6 hours',
      '  admin              127.0.0.1:9110, a token made at start',
    ]);
  });

  it('sums up what a listener asks of its clients', () => {
    const plaintext = 'plaintextFrom: [10.0.0.0/8], plaintextUntil: 2027-06-30';
    const asking = 'tls: starttls, tlsProfile: modern, clientCa: ca.pem, clientCertificate: request';
    const { out } = check(`listeners: [{name: lan, address: "127.0.0.1:110", ${asking}, ${plaintext}}]\n`);
    expect(out).toContain(
      'STLS (modern), client certificates requested, logins without TLS from 10.0.0.0/8, until 2027-06-30\n',
    );
  });

  it('sums up how logins are limited', () => {
    const pace = 'upstreams: [{name: slow, host: mail.test, minPollInterval: 15m, singleSession: true}]\n';
    const { out } = check(
      `${listenerToNowhere}${pace}limits: {refusedPasswords: 0s, exempt: [127.0.0.1, 10.0.0.0/8]}\n`,
    );
    expect(out).toContain('logins of an account 15 minutes apart, one session of an account at a time\n');
    expect(out).toContain('  in memory, refused passwords not remembered, none for 127.0.0.1, 10.0.0.0/8\n');
  });

  it('prints every problem and exits with 78', () => {
    expect(check(`${listeners}log: {level: loud}\nrouting: {default: corp}\n`)).toEqual({
      exitCode: 78,
      out: '',
      err: [
        '/etc/postern/postern.yaml:2: listeners[0].upstream: "corp" is not accepted: the name of an upstream or the id of a provider',
        '/etc/postern/postern.yaml:4: log.level: "loud" is not accepted: trace, debug, info, warn, error or fatal',
        '/etc/postern/postern.yaml:5: routing.default: "corp" is not accepted: the name of an upstream or the id of a provider',
      ].join('\n'),
    });
  });

  it('prints what is wrong with a certificate and exits with 78', () => {
    const seen: unknown[] = [];
    const result = check(listeners + certificates + upstreams, {
      verifyCertificates: (files) => {
        seen.push(...files);
        return [{ index: 1, message: 'the key does not fit the certificate' }];
      },
    });
    expect(seen).toEqual([
      { cert: '/etc/postern/a.pem', key: '/etc/postern/a.key' },
      { cert: '/etc/postern/b.pem', key: '/etc/postern/b.key' },
    ]);
    expect(result).toEqual({
      exitCode: 78,
      out: '',
      err: '/etc/postern/postern.yaml:4: tls.certificates[1]: the key does not fit the certificate',
    });
  });

  it('prints what is wrong with the certificate that is shown to Redis', () => {
    const redis = 'redis: {url: "rediss://a", cert: r.pem, key: r.key}\n';
    const result = check(listeners + certificates + upstreams + redis, {
      verifyCertificates: (files) => [{ index: files.length - 1, message: 'it does not fit' }],
    });
    expect(result.err).toContain('redis.cert: it does not fit');
  });

  it('loads no certificate of a configuration with problems', () => {
    let calls = 0;
    const verifyCertificates = () => {
      calls += 1;
      return [];
    };
    expect(check(`${listeners + certificates}mistake: 1\n`, { verifyCertificates }).exitCode).toBe(78);
    expect(calls).toBe(0);
  });
});
