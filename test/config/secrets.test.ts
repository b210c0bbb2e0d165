import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/parse.ts';
import { oneListener, parseOptions, problemsOf } from './parsing.ts';

const secret = 'hunter2-swordfish';
const surroundings = {
  environment: { SECRET: secret, PATH_OF_SECRET: `/run/${secret}`, SHORT: 'hunter2' },
  files: { '/run/secret': `${secret}\n`, '/run/short': 'hunter2\n' },
};

/** Every way a secret can get to a place: as it is, in a variable, in a file, under a name that is one. */
const spellings = [
  `\${SECRET}`,
  `x\${SECRET}y`,
  `\${SECRET:-other}`,
  '{file: /run/secret}',
  `{file: "\${PATH_OF_SECRET}"}`,
  '{file: /run/short}',
  `\${SHORT}`,
];

/** Every place a value can stand in, and some that are none. */
const places = [
  ...['listeners: X', 'listeners: [X]', 'tls: X', 'upstreams: X', 'routing: X', 'sessions: X', 'limits: X', 'redis: X'],
  ...['admin: X', 'log: X', 'secret: X', 'tls: {certificates: X}', 'tls: {certificates: [X]}', 'routing: {default: X}'],
  ...['routing: {separators: X}', 'sessions: {maxTotal: X}', 'sessions: {idleTimeout: X}', 'limits: {exempt: X}'],
  ...[
    'limits: {exempt: [X]}',
    'limits: {perAddress: X}',
    'limits: {perAddress: {block: X}}',
    'limits: {onStoreFailure: X}',
    'limits: {hashKey: X}',
    'limits: {hashKey: [X]}',
  ],
  ...['redis: {url: X}', 'redis: {url: [X]}', 'redis: {url: {a: X}}', 'redis: {password: X}', 'admin: {address: X}'],
  ...[
    'redis: {username: X}',
    'redis: {sentinel: {password: X}}',
    'redis: {sentinel: X}',
    'redis: {cluster: {nodes: [X]}}',
  ],
  ...['admin: {tokens: X}', 'admin: {tokens: [X]}', 'admin: {tokens: {token: X}}', 'admin: {tokens: [{token: X}]}'],
  ...['admin: {tokens: [{token: [X]}]}', 'admin: {tokens: [{role: X}]}', 'admin: {tokens: [{name: "a b", token: X}]}'],
  ...[
    'admin: {token: X}',
    'log: {level: X}',
    'listeners: [{name: X}]',
    'listeners: [{address: X}]',
    'listeners: [{tls: X}]',
  ],
  ...['listeners: [{plaintextFrom: X}]', 'listeners: [{plaintextFrom: [X]}]', 'listeners: [{upstream: X}]'],
  ...[
    'upstreams: [{name: X}]',
    'upstreams: [{host: X, port: X}]',
    'upstreams: [{ca: X}]',
    'upstreams: [{domains: [X, X]}]',
  ],
  ...['upstreams: [{name: X, host: a.test}]\nrouting: {default: hunter2-swordfisk}', 'upstreams: [{serverName: X}]'],
];

const cases = places.flatMap((place) => spellings.map((spelling) => ({ place, spelling })));

function fill(place: string, spelling: string): string {
  const value = spelling.startsWith('{') ? spelling : JSON.stringify(spelling);
  // A mistake of its own, so that there always is a problem to look at.
  return `${place.startsWith('listeners') ? '' : oneListener}${place.replaceAll('X', value)}\nmistake: 1\n`;
}

describe('parseConfig, secrets', () => {
  it.each(cases)('shows nothing from elsewhere: $place with $spelling', ({ place, spelling }) => {
    const problems = problemsOf(fill(place, spelling), surroundings);
    expect(problems.length).toBeGreaterThan(0);
    // The misspelt reference stands in the file; a suggestion would spell the variable's value.
    const shown = problems.join('\n').replaceAll('hunter2-swordfisk', '');
    expect(shown).not.toContain('hunter2');
    expect(shown).not.toContain('did you mean "hunter');
  });

  const written = [
    ...[
      'limits: {hashKey: [X]}',
      'limits: {hashKey: {file: X}}',
      'redis: X',
      'redis: {url: X}',
      'redis: {url: [X]}',
      'redis: {url: {a: X}}',
      'redis: {url: {file: X}}',
      'admin: X',
    ],
    ...[
      'admin: {tokens: X}',
      'admin: {tokens: [X]}',
      'admin: {tokens: [{token: X}]}',
      'admin: {tokens: [{token: [X]}]}',
    ],
    ...['admin: {tokens: [{token: {file: X}}]}', 'admin: {token: X}', 'redis: {password: X}', 'secret: X'],
    ...[
      'redis: {password: [X]}',
      'redis: {sentinel: X}',
      'redis: {sentinel: {password: [X]}}',
      'redis: {sentinel: {password: {a: X}}}',
    ],
    ...['policyServer: X', 'policyServer: {url: X}', 'policyServer: {apiHeader: X}', 'policyServer: {hashNonce: [X]}'],
  ];
  const texts = [
    'hunter2',
    '"hunter2 swordfish"',
    'redis://:hunter2@',
    '"hunter2',
    '*hunter2',
    '!hunter2',
    '@hunter2',
    '|hunter2',
  ];
  it.each(written.flatMap((place) => texts.map((text) => ({ place, text }))))(
    'shows nothing that stands at a place for secrets: $place with $text',
    ({ place, text }) => {
      const problems = problemsOf(`${oneListener}${place.replaceAll('X', text)}\n`);
      expect(problems.length).toBeGreaterThan(0);
      expect(problems.join('\n')).not.toMatch(/hunter2|swordfish/);
    },
  );

  it('hides a password in a URL wherever it stands', () => {
    const problems = problemsOf(`${oneListener}upstreams: [{name: a, host: "pop3s://joe:hunter2@mail.test"}]`);
    expect(problems).toEqual([expect.stringContaining('upstreams[0].host: (hidden) is not accepted: a host name')]);
  });

  it('shows nothing of a file that is no configuration', () => {
    expect(problemsOf(secret).join('\n')).not.toContain('hunter2');
  });

  it('shows how a value is written instead', () => {
    const text = `${oneListener}log: {level: "\${SHORT}", format: {file: /run/short}}\nredis:\n  url: \${SECRET}\n`;
    expect(problemsOf(text, surroundings)).toEqual([
      `:2: log.level: the value of "\${SHORT}" is not accepted: trace, debug, info, warn, error or fatal`,
      ':2: log.format: the content of "/run/short" is not accepted: auto, json or pretty',
      `:4: redis.url: the value of "\${SECRET}" is not accepted: a URL such as redis://127.0.0.1:6379/0, or rediss:// for TLS`,
    ]);
  });

  it.each([
    [{ code: 'EACCES' }, 'this user may not read it'],
    [{ code: 'EISDIR' }, 'it is a directory'],
    [{ code: 'EMFILE' }, 'reading it failed with EMFILE'],
    [{ name: 'NotCapable' }, 'Deno was not permitted to, see --allow-read'],
    [{}, 'reading it failed'],
  ])('shows nothing of an error that reading a file ends with (%j)', (facts, reason) => {
    const options = {
      ...parseOptions(surroundings),
      readFile(path: string): string {
        throw Object.assign(new Error(`cannot open '${path}'`), facts);
      },
    };
    const parsed = parseConfig(`${oneListener}log: {level: {file: "\${PATH_OF_SECRET}"}}`, options);
    const message = `cannot read the file "\${PATH_OF_SECRET}": ${reason}`;
    expect(parsed).toEqual({ ok: false, problems: [{ path: 'log.level', line: 2, column: 7, message }] });
  });
});
