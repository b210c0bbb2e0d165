import { describe, expect, it } from 'vitest';
import { type ConfigProblem, formatPath, formatProblems, quote } from '../../src/config/problems.ts';
import { oneListener, problemsOf } from './parsing.ts';

const limit = (text: string) => `${oneListener}limits: {perAccount: {${text}}}`;
const upstream = (text: string) => `${oneListener}upstreams: [{name: corp, host: mail.test, ${text}}]`;
const token = (text: string) => `${oneListener}admin: {tokens: [{name: ops, role: viewer, ${text}}]}`;

describe('parseConfig, problems of single values', () => {
  it.each([
    ['', ':1: listeners: missing: a list of listeners'],
    ['listeners: []', ':1: listeners: an empty list is not accepted: at least one listener'],
    ['listeners: {name: lan}', ':1: listeners: a mapping is not accepted: a list of listeners'],
    ['- listeners', ':1: a list is not accepted: a mapping with listeners, tls'],
    [
      `${oneListener}listners: []`,
      ':2: listners: not a key here (did you mean "listeners"?): accepted are listeners, tls,',
    ],
    [
      `${oneListener}log:\n  level: loud`,
      ':3: log.level: "loud" is not accepted: trace, debug, info, warn, error or fatal',
    ],
    [`${oneListener}log: {format: text}`, 'log.format: "text" is not accepted: auto, json or pretty'],
    [`${oneListener}tls: {certificates: [{cert: a.pem}]}`, 'tls.certificates[0].key: missing: the path of a PEM file'],
    [
      `${oneListener}sessions: {maxTotal: 0}`,
      'sessions.maxTotal: "0" is not accepted: a whole number from 1 to 1000000',
    ],
    [`${oneListener}sessions: {maxTotal: 1e3}`, 'sessions.maxTotal: "1e3" is not accepted: a whole number'],
    [`${oneListener}sessions: {idleTimeout: 25h}`, 'idleTimeout: "25h" is not accepted: a duration from 1s to 24h'],
    [`${oneListener}sessions: {loginTimeout: 60}`, 'loginTimeout: "60" is not accepted: a duration from 1s to 10m'],
    [`${oneListener}sessions: {drainTimeout: [1s]}`, 'drainTimeout: a list is not accepted: a duration from 0s to 1h'],
    [`${oneListener}workers: 0`, 'workers: "0" is not accepted: "auto", or a whole number from 1 to 64'],
    [`${oneListener}workers: all`, 'workers: "all" is not accepted: "auto", or a whole number from 1 to 64'],
    [limit('failures: -1'), 'limits.perAccount.failures: "-1" is not accepted: a whole number from 1 to 1000'],
    [limit('window: 8d'), 'limits.perAccount.window: "8d" is not accepted: a duration from 1s to 7d'],
    [limit('blocks: 1s'), 'limits.perAccount.blocks: not a key here (did you mean "block"?)'],
    [`${oneListener}limits: {exempt: 127.0.0.1}`, 'limits.exempt: "127.0.0.1" is not accepted: a list of networks'],
    [
      `${oneListener}limits: {accountsPerNetwork: {failures: 5}}`,
      'limits.accountsPerNetwork.failures: not a key here: accepted are accounts, window, block, maxBlock',
    ],
    [`${oneListener}limits: {refusedPasswords: 6}`, '"6" is not accepted: 0s for none, or a duration from 1s to 7d'],
    [`${oneListener}limits: {knownFor: 0s}`, '"0s" is not accepted: a duration from 1m to 365d'],
    [`${oneListener}limits: {sessionsPerAccount: 101}`, '"101" is not accepted: a whole number from 1 to 100'],
    [`${oneListener}limits: {replyDelay: 1s}`, '"1s" is not accepted: a mapping with first, max, sockets'],
    [`${oneListener}limits: {hashKey: too-short}`, 'limits.hashKey: (hidden) is not accepted: a secret of 16 to 512'],
    [`${oneListener}limits: {onStoreFailure: allow}`, '"allow" is not accepted: local or refuse'],
    [upstream('tls: off'), 'upstreams[0].tls: "off" is not accepted: implicit or starttls'],
    [upstream('port: 70000'), 'upstreams[0].port: "70000" is not accepted: a whole number from 1 to 65535'],
    [upstream('minVersion: TLSv1.1'), '"TLSv1.1" is not accepted: TLSv1.2 or TLSv1.3'],
    [
      upstream('serverName: "*.test"'),
      'upstreams[0].serverName: "*.test" is not accepted: a host name or an IP address',
    ],
    [upstream('domains: test'), 'upstreams[0].domains: "test" is not accepted: a list of domains'],
    [upstream('username: full'), '"full" is not accepted: address or localpart'],
    [upstream('proxy: x'), 'upstreams[0].proxy: not a key here: accepted are name, host, port, tls'],
    [
      `${oneListener}upstreams: [{name: Corp, host: a.test}]`,
      '"Corp" is not accepted: a name of up to 63 lower-case letters',
    ],
    [
      `${oneListener}upstreams: [{name: none, host: a.test}]`,
      'upstreams[0].name: "none" is not accepted: another name',
    ],
    [`${oneListener}upstreams: [{name: corp}]`, 'upstreams[0].host: missing: a host name or an IP address'],
    [`${oneListener}routing: {separators: "%#"}`, '"%#" is not accepted: separators among which the @ is'],
    [`${oneListener}routing: {separators: "@%%"}`, '"@%%" is not accepted: each separator once'],
    [`${oneListener}routing: {separators: "@."}`, '"@." is not accepted: punctuation that no domain contains'],
    [`${oneListener}routing: {separators: "@a"}`, '"@a" is not accepted: punctuation such as'],
    [`${oneListener}routing: {separators: ""}`, '"" is not accepted: punctuation such as'],
    [`${oneListener}redis: {}`, 'redis.url: missing: a URL such as redis://127.0.0.1:6379/0'],
    [`${oneListener}redis: {url: "http://a"}`, 'redis.url: (hidden) is not accepted: a URL such as'],
    [`${oneListener}redis: {url: "redis://a/b"}`, 'redis.url: (hidden) is not accepted: a URL such as'],
    [`${oneListener}redis: {url: "redis://"}`, 'redis.url: (hidden) is not accepted: a URL such as'],
    [token('token: 0123456789abcde'), 'token: (hidden) is not accepted: a token of 16 to 512 visible ASCII characters'],
    [token('token: "0123456789 abcdef"'), 'token: (hidden) is not accepted: a token of 16 to 512 visible'],
    [token('tokn: 0123456789abcdef'), 'admin.tokens[0].tokn: not a key here (did you mean "token"?)'],
    [`${oneListener}admin: {address: "9110"}`, 'admin.address: "9110" is not accepted: an address and a port'],
    [`${oneListener}__proto__: {a: 1}`, '__proto__: not a key here'],
  ])('%j: %s', (text, problem) => {
    expect(problemsOf(text).join('\n')).toContain(problem);
  });

  it('come all at once, in the order of the file', () => {
    const text = `routing: {default: nobody}
log: {level: loud, formt: json}
listeners:
  - name: lan
    address: 0.0.0.0:110
    tls: on
  - name: lan
    address: 0.0.0.0
    tls: off
sessions: {idleTimeout: "\${IDLE}"}
`;
    expect(problemsOf(text).map((line) => line.split(':').slice(1, 3).join(':'))).toEqual([
      '1: routing.default',
      '2: log.level',
      '2: log.formt',
      '6: listeners[0].tls',
      '7: listeners[1].name',
      '7: listeners[1].plaintextFrom',
      '8: listeners[1].address',
      '10: sessions.idleTimeout',
    ]);
  });
});

describe('parseConfig, problems of syntax', () => {
  it.each([
    ['a: 1\na: 2', ':2: this key stands in its mapping already'],
    ['a: 1\n---\nb: 1', ':2: a second document starts here'],
    ['\ta: 1', ':1: a tab indents this line'],
    ['a: "x', ':1: a closing quote or bracket'],
    ['a: @x', ':1: a value cannot start with this character'],
    ['a: b: c', ':1: a mapping cannot start here'],
    ['a: !secret x', ':1: tags (!name) are not used here'],
    ['%FOO\n---\na: 1', ':1: a line that starts with % is a directive'],
    ['a: *b', ':1: a: an alias (*name) has no anchor before it'],
    ['a: &b [*b]', ':1: a: its values are nested too deeply'],
    [`a: {b: \${C}}`, `:1: between brackets, "\${NAME}" stands in quotes`],
    [`a: [\${C}]`, `:1: between brackets, "\${NAME}" stands in quotes`],
    ['['.repeat(5_000), ':1: lists and mappings are nested too deeply'],
  ])('%j: %s', (text, problem) => {
    expect(problemsOf(text).join('\n')).toContain(problem);
  });

  it('end aliases that multiply', () => {
    const levels = Array.from({ length: 9 }, (_, level) => {
      const item = level === 0 ? 'x' : `*l${level - 1}`;
      return `l${level}: &l${level} [${Array.from({ length: 10 }, () => item).join(', ')}]`;
    });
    const problems = problemsOf(levels.join('\n'));
    expect(problems.filter((line) => line.includes('aliases make it too large'))).toHaveLength(1);
  });
});

describe('formatProblems', () => {
  it('gives each problem a line with what is known of its place', () => {
    const problems: ConfigProblem[] = [
      { path: 'listeners[0].tls', line: 12, column: 5, message: '"on" is not accepted: implicit, starttls or off' },
      { path: 'log', message: 'a' },
      { path: '', line: 3, message: 'b' },
    ];
    expect(formatProblems(problems, 'postern.yaml').split('\n')).toEqual([
      'postern.yaml:12: listeners[0].tls: "on" is not accepted: implicit, starttls or off',
      'postern.yaml: log: a',
      'postern.yaml:3: b',
    ]);
  });
});

describe('formatPath', () => {
  it('quotes keys that are no words', () => {
    expect(formatPath(['admin', 'tokens', 0, 'a b', '', 'x-y'])).toBe('admin.tokens[0]["a b"][""].x-y');
  });
});

describe('quote', () => {
  it('stays on one line of bearable length', () => {
    expect(quote('a\nb')).toBe('"a\\nb"');
    expect(quote('x'.repeat(1_000)).length).toBeLessThan(100);
  });
});
