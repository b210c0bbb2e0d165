import { describe, expect, it } from 'vitest';
import { configOf, oneListener, problemsOf } from './parsing.ts';

const auditOf = (section: string) => configOf(`${oneListener}audit: ${section}`).audit;
const problemsWith = (section: string) => problemsOf(`${oneListener}audit: ${section}`);

describe('audit', () => {
  it('is off by default', () => {
    expect(configOf(oneListener).audit).toEqual({
      to: 'none',
      file: '/var/log/postern/audit.jsonl',
      syslog: { protocol: 'udp', host: '127.0.0.1', port: 514 },
      accounts: 'plain',
    });
  });

  it('takes a file, relative to the configuration, and a key for hashes', () => {
    expect(auditOf('{to: file, file: audit.jsonl, accounts: hashed, hashKey: a-secret-of-the-tests}')).toMatchObject({
      to: 'file',
      file: '/etc/postern/audit.jsonl',
      accounts: 'hashed',
      hashKey: 'a-secret-of-the-tests',
    });
  });

  it.each([
    ['udp://127.0.0.1:514', { protocol: 'udp', host: '127.0.0.1', port: 514 }],
    ['tcp://[::1]:601', { protocol: 'tcp', host: '::1', port: 601 }],
    ['tcp://logs.example.com:601', { protocol: 'tcp', host: 'logs.example.com', port: 601 }],
    ['unix:/run/syslog-stream', { protocol: 'unix', path: '/run/syslog-stream' }],
  ])('takes %s as a receiver', (url, receiver) => {
    expect(auditOf(`{to: syslog, syslog: "${url}"}`).syslog).toEqual(receiver);
  });

  it.each(['127.0.0.1:514', 'udp://127.0.0.1', 'udp://127.0.0.1:0', 'tls://127.0.0.1:6514', 'unix:run/log', 'unix:'])(
    'refuses %s as a receiver',
    (url) => {
      expect(problemsWith(`{to: syslog, syslog: "${url}"}`)).toEqual([expect.stringContaining('a receiver such as')]);
    },
  );

  it('says why /dev/log cannot be the receiver', () => {
    expect(problemsWith('{to: syslog, syslog: "unix:/dev/log"}')).toEqual([
      expect.stringMatching(/audit\.syslog.*datagrams/),
    ]);
  });

  it.each([
    ['{to: stdout, file: /var/log/a.jsonl}', /audit\.file.*needs `to: file`/],
    ['{syslog: "udp://127.0.0.1:514"}', /audit\.syslog.*needs `to: syslog`/],
    ['{to: file, hashKey: a-secret-of-the-tests}', /audit\.hashKey.*needs `accounts: hashed`/],
  ])('refuses what takes no effect: %s', (section, problem) => {
    expect(problemsWith(section)).toEqual([expect.stringMatching(problem)]);
  });

  it('says one thing where the destination is misspelt', () => {
    expect(problemsWith('{to: flie, file: /var/log/a.jsonl}')).toEqual([expect.stringMatching(/audit\.to/)]);
  });

  it('shows no key that it refuses', () => {
    const [problem = '', ...others] = problemsWith('{accounts: hashed, hashKey: short-key}');
    expect(problem).toMatch(/audit\.hashKey.*16/);
    expect(problem).not.toContain('short-key');
    expect(others).toEqual([]);
  });
});
