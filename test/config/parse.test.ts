import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { embeddedConfig } from '../../src/config/embedded.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { authorityPem, configOf, oneListener, parseOptions, problemsOf } from './parsing.ts';

const everything = `
listeners:
  - name: lan
    address: 0.0.0.0:110             # host:port, [::]:port
    tls: starttls                    # implicit | starttls | off
    plaintextFrom: [192.168.10.0/24]
    plaintextUntil: 2027-06-30
    tlsProfile: modern
    clientCa: /etc/postern/corp-ca.pem
    clientCertificate: request
    certificateAccounts: [{certificate: CN=scanner-3, accounts: [scan@example.com]}]
    upstream: att
tls:
  certificates: [{cert: fullchain.pem, key: /keys/key.pem}]
upstreams:
  - name: corp
    host: mail.example.com
    port: 995
    tls: implicit
    ca: /etc/postern/corp-ca.pem
    serverName: pop.example.com
    minVersion: TLSv1.3
    domains: [example.com, "*.example.com"]
    username: localpart
    minPollInterval: 15m
    singleSession: true
    readyConnections: 2
    readAhead: true
routing:
  default: corp
  separators: "@%#"
sessions: {maxTotal: 10000, maxPerAddress: 50, loginTimeout: 60s, idleTimeout: 10m, drainTimeout: 30s}
limits:
  perAddress: {failures: 20, window: 10m, block: 5m, maxBlock: 24h}
  perNetwork: {failures: 100, window: 10m, block: 5m, maxBlock: 24h}
  perAccount: {failures: 8, window: 10m, block: 5m, maxBlock: 24h}
  perAddressAndAccount: {failures: 5, window: 10m, block: 1m, maxBlock: 1h}
  accountsPerNetwork: {accounts: 30, window: 1h, block: 15m, maxBlock: 24h}
  passwordsPerAccount: {passwords: 10, window: 24h, block: 1h, maxBlock: 24h}
  refusedPasswords: 6h
  knownFor: 30d
  loginsPerAddress: 30
  sessionsPerAccount: 10
  replyDelay: {first: 500ms, max: 8s, sockets: 1000}
  hashKey: "\${HASH_KEY}"
  exempt: [127.0.0.1]
  onStoreFailure: refuse
redis: {url: "redis://127.0.0.1:6379/0", keyPrefix: "postern:"}
inventory: {retention: 30d, maxEntries: 5000}
audit: {to: file, file: trail.jsonl, accounts: hashed, hashKey: "\${HASH_KEY}"}
admin:
  address: 127.0.0.1:9110
  tokens: [{name: ops, role: operator, token: "\${POSTERN_ADMIN_TOKEN}"}]
log: {level: debug, format: json}
`;

const surroundings = {
  environment: { POSTERN_ADMIN_TOKEN: '0123456789abcdef', HASH_KEY: 'fedcba9876543210' },
  files: { '/etc/postern/corp-ca.pem': `Corp\n${authorityPem}` },
};

const defaultSessions = {
  maxTotal: 10_000,
  maxPerAddress: 50,
  maxReadyConnections: 64,
  loginTimeoutMs: 60_000,
  idleTimeoutMs: 600_000,
  maxEventLoopDelayMs: 500,
  maxMemory: { share: 0.8 },
  drainDelayMs: 0,
  drainTimeoutMs: 30_000,
};
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const defaultLimits = {
  perAddress: { threshold: 20, windowMs: 10 * minuteMs, blockMs: 5 * minuteMs, maxBlockMs: dayMs },
  perNetwork: { threshold: 100, windowMs: 10 * minuteMs, blockMs: 5 * minuteMs, maxBlockMs: dayMs },
  perAccount: { threshold: 8, windowMs: 10 * minuteMs, blockMs: 5 * minuteMs, maxBlockMs: dayMs },
  perAddressAndAccount: { threshold: 5, windowMs: 10 * minuteMs, blockMs: minuteMs, maxBlockMs: hourMs },
  accountsPerNetwork: { threshold: 30, windowMs: hourMs, blockMs: 15 * minuteMs, maxBlockMs: dayMs },
  passwordsPerAccount: { threshold: 10, windowMs: dayMs, blockMs: hourMs, maxBlockMs: dayMs },
  refusedPasswordsMs: 6 * hourMs,
  knownForMs: 30 * dayMs,
  loginsPerAddress: 30,
  sessionsPerAccount: 10,
  replyDelay: { firstMs: 500, maxMs: 8_000, sockets: 1_000 },
};

const defaultAudit = {
  to: 'none',
  file: '/var/log/postern/audit.jsonl',
  syslog: { protocol: 'udp', host: '127.0.0.1', port: 514 },
  accounts: 'plain',
};

describe('parseConfig', () => {
  it('reads every key', () => {
    const networks = { blocks: expect.any(Array), includes: expect.any(Function) };
    expect(configOf(everything, surroundings)).toEqual({
      listeners: [
        {
          name: 'lan',
          host: '0.0.0.0',
          port: 110,
          tls: 'starttls',
          plaintextFrom: networks,
          plaintextEndsAtMs: Date.parse('2027-07-01T00:00:00Z'),
          tlsProfile: 'modern',
          clientCertificates: { mode: 'request', ca: authorityPem },
          certificateAccounts: [
            { certificate: { kind: 'commonName', commonName: 'scanner-3' }, accounts: ['scan@example.com'] },
          ],
          upstream: 'att',
        },
      ],
      tls: { certificates: [{ cert: '/etc/postern/fullchain.pem', key: '/keys/key.pem' }] },
      upstreams: [
        {
          name: 'corp',
          host: 'mail.example.com',
          port: 995,
          tls: 'implicit',
          ca: authorityPem,
          serverName: 'pop.example.com',
          minVersion: 'TLSv1.3',
          domains: ['example.com', '*.example.com'],
          username: 'localpart',
          minPollIntervalMs: 15 * minuteMs,
          isSingleSession: true,
          maxReadyConnections: 2,
          readAhead: true,
        },
      ],
      routing: { default: 'corp', separators: '@%#' },
      sessions: defaultSessions,
      limits: { ...defaultLimits, hashKey: 'fedcba9876543210', exempt: networks, onStoreFailure: 'refuse' },
      redis: { url: 'redis://127.0.0.1:6379/0', keyPrefix: 'postern:', timeoutMs: 40 },
      inventory: { retentionMs: 2_592_000_000, maxEntries: 5_000 },
      audit: {
        ...defaultAudit,
        to: 'file',
        file: '/etc/postern/trail.jsonl',
        accounts: 'hashed',
        hashKey: 'fedcba9876543210',
      },
      admin: { host: '127.0.0.1', port: 9110, tokens: [{ name: 'ops', role: 'operator', token: '0123456789abcdef' }] },
      log: { level: 'debug', format: 'json' },
    });
  });

  it('gives defaults to everything but the listeners', () => {
    expect(
      configOf(`${oneListener}upstreams: [{name: corp, host: 10.0.0.5}, {name: old, host: OLD.test, tls: starttls}]`),
    ).toEqual({
      listeners: [
        {
          name: 'lan',
          host: '127.0.0.1',
          port: 1110,
          tls: 'starttls',
          plaintextFrom: { blocks: expect.any(Array), includes: expect.any(Function) },
          tlsProfile: 'intermediate',
        },
      ],
      tls: { certificates: [] },
      upstreams: [
        {
          name: 'corp',
          host: '10.0.0.5',
          port: 995,
          tls: 'implicit',
          serverName: '10.0.0.5',
          minVersion: 'TLSv1.2',
          domains: [],
          username: 'address',
        },
        {
          name: 'old',
          host: 'old.test',
          port: 110,
          tls: 'starttls',
          serverName: 'old.test',
          minVersion: 'TLSv1.2',
          domains: [],
          username: 'address',
        },
      ],
      routing: { separators: '@%#' },
      sessions: defaultSessions,
      limits: {
        ...defaultLimits,
        exempt: { blocks: expect.any(Array), includes: expect.any(Function) },
        onStoreFailure: 'local',
      },
      inventory: { retentionMs: 7_776_000_000, maxEntries: 100_000 },
      audit: defaultAudit,
      admin: { host: '127.0.0.1', port: 9110, tokens: [] },
      log: { level: 'info', format: 'auto' },
    });
  });

  it('lets nobody log in without TLS unless networks are named', () => {
    expect(configOf(oneListener).listeners[0]?.plaintextFrom.includes('127.0.0.1')).toBe(false);
    expect(configOf(everything, surroundings).listeners[0]?.plaintextFrom.includes('192.168.10.9')).toBe(true);
  });

  it('leaves out what has no value', () => {
    const config = configOf(`${oneListener}upstreams:\nsessions:\n  maxTotal:\nredis: ~\nlog: null\n`);
    expect(config.upstreams).toEqual([]);
    expect(config.sessions.maxTotal).toBe(10_000);
    expect(config).not.toHaveProperty('redis');
    expect(config.log.level).toBe('info');
  });

  it('freezes the result all the way down', () => {
    const config = configOf(everything, surroundings);
    const unfrozen: string[] = [];
    const visit = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null) return;
      if (!Object.isFrozen(value)) unfrozen.push(path);
      for (const [key, inner] of Object.entries(value)) visit(inner, `${path}.${key}`);
    };
    visit(config, 'config');
    expect(unfrozen).toEqual([]);
  });

  it('fills in variables and files wherever a value stands', () => {
    const text = `
listeners:
  - name: \${NAME}
    address: \${HOST:-127.0.0.1}:\${PORT}
    tls: {file: tls-mode}
    plaintextFrom: ["\${NETWORK}"]
sessions:
  maxTotal: \${MAX}
  idleTimeout: \${IDLE:-5m}
redis: {url: {file: "/run/\${DIRECTORY}/redis"}, keyPrefix: "$\${x}"}
`;
    const config = configOf(text, {
      environment: { NAME: '110', PORT: '1110', NETWORK: '10.0.0.0/8', MAX: '7', DIRECTORY: 'secrets' },
      files: { '/etc/postern/tls-mode': 'starttls\r\n', '/run/secrets/redis': 'redis://:pass@redis.test:6379\n' },
    });
    expect(config.listeners[0]).toMatchObject({ name: '110', host: '127.0.0.1', port: 1110, tls: 'starttls' });
    expect(config.listeners[0]?.plaintextFrom.includes('10.9.9.9')).toBe(true);
    expect(config.sessions).toMatchObject({ maxTotal: 7, idleTimeoutMs: 300_000 });
    expect(config.redis).toMatchObject({ url: 'redis://:pass@redis.test:6379', keyPrefix: `\${x}` });
  });

  it('keeps every digit of a token that looks like a number', () => {
    const text = `${oneListener}admin: {tokens: [{name: a, role: viewer, token: 00012345678901234567890}]}`;
    expect(configOf(text).admin.tokens[0]?.token).toBe('00012345678901234567890');
  });

  it('reads anchors and aliases', () => {
    const text = `${oneListener}limits: {perAddress: &limit {failures: 3}, perAccount: *limit}`;
    expect(configOf(text).limits.perAccount.threshold).toBe(3);
  });

  it('tells where a value stands when it turns out wrong in use', () => {
    const parsed = parseConfig(everything, parseOptions(surroundings));
    expect(parsed.ok && parsed.problemAt(['tls', 'certificates', 0], 'the key does not fit')).toEqual({
      path: 'tls.certificates[0]',
      line: 14,
      column: 18,
      message: 'the key does not fit',
    });
  });

  it('never throws, whatever the text is', () => {
    const token = fc.constantFrom(
      ...[
        'listeners',
        'name',
        ': ',
        '- ',
        '\n',
        '  ',
        '{',
        '}',
        '[',
        ']',
        '"',
        `\${A}`,
        `\${`,
        '*a',
        '&a ',
        '!',
        '#',
        '|',
        '@',
        '~',
      ],
      ...[
        'upstreams',
        'domains',
        'admin',
        'tokens',
        'redis',
        'url',
        'file',
        '__proto__',
        'limits',
        '\t',
        '---\n',
        '%',
        '<<',
        '?',
      ],
    );
    const soup = fc.array(token, { maxLength: 40 }).map((tokens) => tokens.join(''));
    fc.assert(
      fc.property(fc.oneof(soup, fc.string({ unit: 'binary' })), (text) => {
        const parsed = parseConfig(text, parseOptions());
        expect(parsed.ok || parsed.problems.length > 0).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('never throws on values of any shape in any place', () => {
    const keys = ['listeners', 'tls', 'upstreams', 'routing', 'sessions', 'limits', 'redis', 'admin', 'log', 'tokens'];
    const key = fc.constantFrom(...keys, 'name', 'address', 'domains', 'perAddress', '__proto__', 'toString');
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.string(),
        fc.constantFrom(null, '1s', 'a', `\${A}`),
        tie('list'),
        tie('mapping'),
      ),
      list: fc.array(tie('any'), { maxLength: 3 }),
      mapping: fc.dictionary(key, tie('any'), { maxKeys: 5 }),
    })).mapping;
    fc.assert(
      // JSON is YAML. No listener in these trees is valid, as none has a port.
      fc.property(value, (tree) => {
        expect(problemsOf(JSON.stringify(tree))).not.toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('embeddedConfig', () => {
  it('listens on loopback alone, with STLS and with TLS', () => {
    const { listeners, admin } = embeddedConfig();
    expect(listeners).toMatchObject([
      { name: 'starttls', host: '127.0.0.1', port: 1110, tls: 'starttls' },
      { name: 'implicit', host: '127.0.0.1', port: 1995, tls: 'implicit' },
    ]);
    expect(admin).toEqual({ host: '127.0.0.1', port: 9110, tokens: [] });
  });

  it('permits plaintext logins from loopback alone', () => {
    const [starttls] = embeddedConfig().listeners;
    expect(starttls?.plaintextFrom.includes('127.0.0.1')).toBe(true);
    expect(starttls?.plaintextFrom.includes('192.168.1.1')).toBe(false);
  });

  it('has no certificate, no upstream and no store', () => {
    const config = embeddedConfig();
    expect(config).toMatchObject({ tls: { certificates: [] }, upstreams: [], sessions: defaultSessions });
    expect(config.limits).toMatchObject(defaultLimits);
    expect(config).not.toHaveProperty('redis');
  });
});
