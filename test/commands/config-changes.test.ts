import { describe, expect, it } from 'vitest';
import { keepFixed, listChanges, listWaiting } from '../../src/commands/config-changes.ts';
import type { Config } from '../../src/config/config.ts';
import { parseConfig } from '../../src/config/parse.ts';

const listener = '{name: lan, address: "127.0.0.1:1110", tls: starttls, plaintextFrom: [127.0.0.0/8]}';

function configOf(text: string, { listeners = `[${listener}]` } = {}): Config {
  const parsed = parseConfig(`listeners: ${listeners}\n${text}`, {
    file: 'postern.yaml',
    environment: {},
    readFile: () => '',
    providerIds: new Set(),
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

const token = (secret: string): string => `[{name: ops, role: operator, token: ${secret}-of-the-tests}]`;

describe('listChanges', () => {
  it('finds none in a configuration that is read twice', () => {
    const text = `limits: {exempt: [10.0.0.0/8]}\nadmin: {tokens: ${token('secret')}}`;
    expect(listChanges({ before: configOf(text), after: configOf(text) })).toEqual([]);
  });

  it.each([
    ['routing: {separators: "@%"}', 'routing'],
    ['sessions: {maxTotal: 5}', 'sessions'],
    ['limits: {exempt: [10.0.0.0/8]}', 'limits'],
    ['audit: {to: stdout}', 'audit'],
    [`admin: {tokens: ${token('secret')}}`, 'admin.tokens'],
    ['admin: {hosts: [gate.example.com]}', 'admin.hosts'],
    ['log: {level: debug}', 'log.level'],
    ['tls: {certificates: [{cert: a.pem, key: b.pem}]}', 'tls'],
    ['upstreams: [{name: corp, host: mail.example.com}]', 'upstreams: added "corp"'],
  ])('names %s', (text, named) => {
    const pair = { before: configOf(''), after: configOf(text) };
    expect(listChanges(pair)).toEqual([named]);
    expect(listWaiting(pair)).toEqual([]);
    expect(keepFixed(pair)).toEqual(pair.after);
  });

  it('tells of a network that a listener lets in', () => {
    const other = listener.replace('127.0.0.0/8', '127.0.0.1');
    const after = configOf('', { listeners: `[${other}, {name: wan, address: "127.0.0.1:1995", tls: implicit}]` });
    expect(listChanges({ before: configOf(''), after })).toEqual(['listeners: added "wan", changed "lan"']);
    expect(listChanges({ before: after, after: configOf('') })).toEqual(['listeners: changed "lan", removed "wan"']);
  });

  it('holds no value', () => {
    const [before, after] = [
      configOf(`admin: {tokens: ${token('old')}}`),
      configOf(`admin: {tokens: ${token('new')}}`),
    ];
    expect(listChanges({ before, after })).toEqual(['admin.tokens']);
  });
});

describe('what only a restart changes', () => {
  it.each([
    ['redis: {url: "redis://127.0.0.1"}', 'redis'],
    ['workers: 2', 'workers'],
    ['inventory: {retention: 1d}', 'inventory'],
    ['limits: {hashKey: 0123456789abcdef0123}', 'limits.hashKey'],
    ['admin: {address: "127.0.0.1:9999"}', 'admin.address'],
    ['admin: {address: unix:/run/postern.sock}', 'admin.address'],
    ['log: {format: json}', 'log'],
  ])('is named, and stays: %s', (text, name) => {
    const [plain, other] = [configOf(''), configOf(text)];
    for (const [before, after] of [
      [plain, other],
      [other, plain],
    ] as const) {
      expect(listWaiting({ before, after })).toEqual([`${name}: takes effect with a restart`]);
      const kept = keepFixed({ before, after });
      expect(listChanges({ before, after: kept })).toEqual([]);
      // Each reading of networks makes a function of its own.
      expect(JSON.parse(JSON.stringify(kept))).toEqual(JSON.parse(JSON.stringify(before)));
    }
  });

  it('is a token, where the last one is taken away', () => {
    const pair = { before: configOf(`admin: {tokens: ${token('secret')}}`), after: configOf('') };
    expect(listWaiting(pair)).toEqual(['admin.tokens: there is none left, and one is made with a restart alone']);
    expect(keepFixed(pair).admin.tokens).toEqual([]);
  });
});
