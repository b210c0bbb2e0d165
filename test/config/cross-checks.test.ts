import { describe, expect, it } from 'vitest';
import { authorityPem, configOf, oneListener, problemsOf } from './parsing.ts';

const listeners = (...items: string[]) => `listeners:\n${items.map((item) => `  - {${item}}\n`).join('')}`;
const upstreams = (...items: string[]) =>
  `${oneListener}upstreams:\n${items.map((item) => `  - {${item}}\n`).join('')}`;
const tokens = (...items: string[]) =>
  `${oneListener}admin:\n  tokens:\n${items.map((item) => `  - {${item}}\n`).join('')}`;

describe('parseConfig, listeners', () => {
  it('have different names', () => {
    const text = listeners('name: a, address: "[::1]:1", tls: implicit', 'name: a, address: "[::1]:2", tls: implicit');
    expect(problemsOf(text)).toEqual([':3: listeners[1].name: "a" is not accepted: listeners[0].name has it already']);
  });

  it('have different endpoints, however they are spelled', () => {
    const text = listeners(
      'name: a, address: "[::1]:1", tls: implicit',
      'name: b, address: "[0::0:1]:1", tls: implicit',
    );
    expect(problemsOf(text)).toEqual([
      ':3: listeners[1].address: "[0::0:1]:1" is not accepted: listeners[0].address has it already',
    ]);
  });

  it('may all ask for any free port', () => {
    const text = listeners('name: a, address: "[::1]:0", tls: implicit', 'name: b, address: "[::1]:0", tls: implicit');
    expect(configOf(`${text}admin: {address: "[::1]:0"}`).listeners).toHaveLength(2);
  });

  it('do not share an endpoint with the admin API', () => {
    expect(problemsOf(`${oneListener}admin: {address: "127.0.0.1:1110"}`)).toEqual([
      ':2: admin.address: "127.0.0.1:1110" is not accepted: listeners[0].address has it already',
    ]);
  });

  it.each([
    ['', 'missing'],
    [', plaintextFrom: []', 'an empty list is not accepted'],
  ])('without TLS name who may log in (%j)', (plaintextFrom, start) => {
    const text = listeners(`name: a, address: "[::1]:1", tls: off${plaintextFrom}`);
    expect(problemsOf(text)).toEqual([
      expect.stringContaining(`listeners[0].plaintextFrom: ${start}: the networks that may`),
    ]);
  });

  it('without TLS are accepted with networks', () => {
    const config = configOf(listeners('name: a, address: "[::1]:1", tls: off, plaintextFrom: [10.0.0.0/8]'));
    expect(config.listeners[0]?.tls).toBe('off');
  });
});

describe('parseConfig, upstreams', () => {
  it('have different names', () => {
    const text = upstreams('name: a, host: a.test', 'name: a, host: b.test');
    expect(problemsOf(text)).toEqual([':4: upstreams[1].name: "a" is not accepted: upstreams[0].name has it already']);
  });

  it('claim a domain once, even beside other mistakes', () => {
    const text = upstreams('name: a, host: a.test, domains: [x.test, "@"]', 'name: b, host: b.test, domains: [X.test]');
    expect(problemsOf(text)).toEqual([
      expect.stringContaining(':3: upstreams[0].domains[1]: "@" is not accepted'),
      ':4: upstreams[1].domains[0]: "X.test" is not accepted: upstreams[0].domains[0] has it already',
    ]);
  });

  it('may claim a domain and all below another way', () => {
    const text = upstreams('name: a, host: a.test, domains: [x.test]', 'name: b, host: b.test, domains: ["*.x.test"]');
    expect(configOf(text).upstreams).toHaveLength(2);
  });

  it.each([
    ['127.0.0.1:995', '127.0.0.1', ''],
    ['mail.test:995', 'MAIL.test', ''],
    ['127.0.0.1:110', '127.0.0.1', ', tls: starttls'],
    ['127.0.0.1:1110', '::ffff:127.0.0.1', ', port: 1110'],
    ['0.0.0.0:995', '127.0.0.2', ''],
    ['[::]:995', '::1', ''],
    ['[::]:995', 'localhost', ''],
    ['127.0.0.1:995', 'localhost', ''],
  ])('are not Postern itself: listening on %s, dialling %s%s', (address, host, more) => {
    const text = `${listeners(`name: a, address: "${address}", tls: implicit`)}upstreams: [{name: u, host: "${host}"${more}}]`;
    expect(problemsOf(text)).toEqual([
      `:3: upstreams[0].host: "${host}" is not accepted: with this port it is Postern itself, by listeners[0].address`,
    ]);
  });

  it.each([
    ['127.0.0.1:995', '127.0.0.2'],
    ['127.0.0.1:1995', '127.0.0.1'],
    ['0.0.0.0:995', 'mail.test'],
    ['127.0.0.1:0', '127.0.0.1'],
  ])('may be near: listening on %s, dialling %s', (address, host) => {
    const text = `${listeners(`name: a, address: "${address}", tls: implicit`)}upstreams: [{name: u, host: "${host}"}]`;
    expect(problemsOf(text)).toEqual([]);
  });

  it.each(['starttls, port: 995', 'implicit, port: 110'])('may use TLS on an unusual port (%s)', (tls) => {
    expect(configOf(upstreams(`name: a, host: a.test, tls: ${tls}`)).upstreams).toHaveLength(1);
  });
});

describe('parseConfig, authorities', () => {
  const text = upstreams('name: a, host: a.test, ca: ca.pem');
  const withCa = (content: string) => ({ files: { '/etc/postern/ca.pem': content } });

  it('are the certificates in the file and nothing else', () => {
    const key = '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n';
    const config = configOf(text, withCa(`${key}note\n${authorityPem}${authorityPem}`));
    expect(config.upstreams[0]?.ca).toBe(authorityPem + authorityPem);
  });

  it.each([
    ['nothing', 'this one has none'],
    ['-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----', 'this one has none'],
    ['-----BEGIN CERTIFICATE-----\nMIIB', 'an END CERTIFICATE line is missing'],
    [
      `${authorityPem}-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----`,
      'number 2 in this one cannot be parsed',
    ],
  ])('are refused where the file holds %j', (content, reason) => {
    expect(problemsOf(text, withCa(content))).toEqual([
      expect.stringMatching(`^:3: upstreams\\[0\\].ca: "ca.pem" .*${reason}`),
    ]);
  });

  it('are refused where there is no file', () => {
    expect(problemsOf(text)).toEqual([':3: upstreams[0].ca: "ca.pem" cannot be read: there is no such file']);
  });
});

describe('parseConfig, references', () => {
  it.each(['att', 'corp'])('may name %s', (name) => {
    const text = `${upstreams('name: corp, host: a.test')}routing: {default: ${name}}`;
    expect(configOf(text).routing.default).toBe(name);
  });

  it.each([
    ['crop', ' (did you mean "corp"?)'],
    ['gmial', ' (did you mean "gmail"?)'],
    ['elsewhere', ''],
  ])('do not name %s', (name, suggestion) => {
    const text = `${upstreams('name: corp, host: a.test')}routing: {default: ${name}}`;
    expect(problemsOf(text)).toEqual([
      `:4: routing.default: "${name}" is not accepted: the name of an upstream or the id of a provider${suggestion}`,
    ]);
  });

  it('of listeners are checked too', () => {
    const text = listeners('name: a, address: "[::1]:1", tls: implicit, upstream: yaho');
    expect(problemsOf(text)).toEqual([expect.stringContaining('listeners[0].upstream: "yaho" is not accepted')]);
  });

  it('are not doubted where a name is wrong that may be meant', () => {
    const text = `${upstreams('name: Corp, host: a.test')}routing: {default: Corp}`;
    expect(problemsOf(text)).toEqual([expect.stringContaining(':3: upstreams[0].name: "Corp" is not accepted')]);
  });
});

describe('parseConfig, limits', () => {
  it.each([
    ['block: 2h, maxBlock: 1h', 'maxBlock: "1h" is not accepted: at least as long as block'],
    ['maxBlock: 4m', 'maxBlock: "4m" is not accepted: at least as long as block'],
    ['block: 2d', 'block: "2d" is not accepted: at most as long as maxBlock, which has its default'],
  ])('block no longer than their maximum (%s)', (limit, problem) => {
    expect(problemsOf(`${oneListener}limits: {perAddress: {${limit}}}`)).toEqual([`:2: limits.perAddress.${problem}`]);
  });

  it.each([
    [
      'perNetwork: {failures: 19}',
      'perNetwork.failures: "19" is not accepted: at least as many as perAddress has, which lies in it',
    ],
    [
      'perAddress: {failures: 101}',
      'perAddress.failures: "101" is not accepted: at most as many as perNetwork has, by its default',
    ],
    ['replyDelay: {first: 2s, max: 1s}', 'replyDelay.max: "1s" is not accepted: at least as long as first'],
    [
      'replyDelay: {first: 9s}',
      'replyDelay.first: "9s" is not accepted: at most as long as max, which has its default',
    ],
  ])('fit together (%s)', (limits, problem) => {
    expect(problemsOf(`${oneListener}limits: {${limits}}`)).toEqual([`:2: limits.${problem}`]);
  });

  it('may hold no reply back, and remember no refused password', () => {
    const config = configOf(`${oneListener}limits: {replyDelay: {first: 0s}, refusedPasswords: 0s}`);
    expect(config.limits).toMatchObject({ replyDelay: { firstMs: 0, maxMs: 8_000 }, refusedPasswordsMs: 0 });
  });

  it('may block for the same time always', () => {
    const config = configOf(`${oneListener}limits: {perAddress: {block: 1h, maxBlock: 60m}}`);
    expect(config.limits.perAddress).toMatchObject({ blockMs: 3_600_000, maxBlockMs: 3_600_000 });
  });
});

describe('parseConfig, admin tokens', () => {
  it('have names and values of their own', () => {
    const text = tokens(
      'name: a, role: viewer, token: 0123456789abcdef',
      'name: a, role: operator, token: 0123456789abcdef',
    );
    expect(problemsOf(text)).toEqual([
      ':5: admin.tokens[1].name: "a" is not accepted: admin.tokens[0].name has it already',
      ':5: admin.tokens[1].token: (hidden) is not accepted: admin.tokens[0].token has it already',
    ]);
  });
});
