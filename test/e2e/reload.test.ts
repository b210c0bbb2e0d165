import { createHook } from 'node:async_hooks';
import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestCertificates, type TestCertificates } from '../support/certificates.ts';
import { runProcess } from '../support/process.ts';
import { type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';
import { account } from './stage.ts';
import { adminToken, eventually, type PosternUnderTest, startPosternUnderTest } from './support.ts';
import { connectGreeted, connectWireClient, type WireClient } from './wire-client.ts';

const liveSessions = 200;
const roomy = `
sessions: {maxTotal: 1000, maxPerAddress: 1000}
limits: {sessionsPerAccount: 100, loginsPerAddress: 1000}`;

describe('a reload', () => {
  const stack = new AsyncDisposableStack();
  let certificates: TestCertificates;
  /** Where the account is served at first, and where another configuration says that it is. */
  let first: ScriptedUpstream;
  let second: ScriptedUpstream;

  beforeAll(async () => {
    certificates = stack.use(await createTestCertificates());
    const start = async () =>
      stack.use(
        await startScriptedUpstream({
          tls: { ...certificates.valid, start: 'implicit' },
          answer: (line) => (line === 'PASS wrong' ? '-ERR [AUTH] No\r\n' : undefined),
        }),
      );
    [first, second] = await Promise.all([start(), start()]);
  });

  afterAll(() => stack.disposeAsync());

  const corpAt = ({ port }: ScriptedUpstream): string =>
    `upstreams: [{name: corp, host: 127.0.0.1, port: ${port}, ca: ${certificates.caFile}, domains: [corp.test]}]`;

  const start = (sections = '') =>
    startPosternUnderTest({ sections: `${corpAt(first)}\n${sections}`, certificate: certificates.valid });

  async function logIn(
    postern: PosternUnderTest,
    { listener = 'starttls', user = account.user }: { readonly listener?: string; readonly user?: string } = {},
  ): Promise<WireClient> {
    const client = await connectGreeted({ port: postern.port(listener) });
    expect(await client.logIn(user, account.password)).toMatch(/^\+OK/);
    return client;
  }

  it('of every section cuts none of 200 sessions, and holds for each new one', { timeout: 60_000 }, async () => {
    await using clients = new DisposableClients();
    await using postern = await start(roomy);
    for (let index = 0; index < liveSessions; index += 20) {
      const users = Array.from({ length: 20 }, (_, offset) => `user${index + offset}@corp.test`);
      clients.add(await Promise.all(users.map((user) => logIn(postern, { user }))));
    }
    const oldPorts = { starttls: postern.port('starttls'), implicit: postern.port('implicit') };
    await writeFile(join(postern.directory, 'other.pem'), certificates.otherAuthority.cert);
    await writeFile(join(postern.directory, 'other-key.pem'), certificates.otherAuthority.key);

    await postern.reload({
      whole: `
listeners:
  - {name: starttls, address: "127.0.0.1:0", tls: starttls}
  - {name: implicit, address: "127.0.0.2:0", tls: implicit}
  - {name: added, address: "127.0.0.1:0", tls: starttls, plaintextFrom: [127.0.0.0/8], upstream: second}
tls: {certificates: [{cert: other.pem, key: other-key.pem}]}
upstreams:
  - {name: second, host: 127.0.0.1, port: ${second.port}, ca: ${certificates.caFile}, domains: [corp.test]}
routing: {default: second, separators: "@%"}
sessions: {maxTotal: 900, maxPerAddress: 900, idleTimeout: 5m}
limits: {sessionsPerAccount: 90, loginsPerAddress: 900, perAddress: {failures: 50}}
audit: {to: file, file: audit.jsonl}
admin:
  address: "127.0.0.1:0"
  hosts: [gate.example.com]
  tokens: [{name: next, role: operator, token: next-token-of-the-tests}]
log: {level: info, format: json}
`,
    });

    const [reloaded] = postern.logged('configurationReloaded');
    expect(reloaded).toMatchObject({
      by: 'SIGHUP',
      changes: [
        'listeners: added "added", changed "starttls", "implicit"',
        'upstreams: added "second", removed "corp"',
        ...['tls', 'routing', 'sessions', 'limits', 'audit', 'admin.tokens', 'admin.hosts', 'log.level'],
      ],
    });
    expect(reloaded).not.toHaveProperty('needsRestart');

    // A new session: another policy, upstream, certificate.
    expect(postern.port('starttls')).toBe(oldPorts.starttls);
    using strict = await connectGreeted({ port: postern.port('starttls') });
    expect(await strict.multilineCommand('CAPA')).not.toContain('USER');
    using added = await logIn(postern, { listener: 'added' });
    expect((await second.connection()).lines).toContain(`PASS ${account.password}`);
    expect(await shownCertificate(postern.port('implicit'))).toBe(fingerprint(certificates.otherAuthority.cert));
    // The listener that moved, and what it left.
    await expect(connectWireClient({ port: oldPorts.implicit })).rejects.toThrow('ECONNREFUSED');

    expect(await status(postern, adminToken)).toBe(401);
    expect(await status(postern, 'next-token-of-the-tests')).toBe(200);
    expect(await postern.metric('postern_config_reloads_total{result="reloaded"}')).toBe(1);
    expect(await postern.metric('postern_sessions_max')).toBe(900);
    expect(await postern.metric('postern_connections_total{listener="added"}')).toBe(1);
    await eventually(async () =>
      expect(await auditRecords(postern)).toContainEqual(
        expect.objectContaining({ type: 'admin', action: 'reloadConfiguration', by: 'SIGHUP', result: 'done' }),
      ),
    );

    // None of those from before noticed.
    expect(await clients.all((client) => client.command('NOOP'))).toEqual(Array(liveSessions).fill('+OK'));
    expect(postern.logged('sessionClosed', { listener: 'starttls' })).toEqual([]);
    expect(await added.command('NOOP')).toBe('+OK');
  });

  it.each([
    ['is no configuration', 'listeners: []', 'listeners'],
    [
      'is gone wrong in one value',
      'listeners: [{name: a, address: "127.0.0.1:0", tls: implicit}]\nlimits: {perAccount: {failures: many}}',
      'postern.yaml:2: limits.perAccount.failures',
    ],
    ['is no YAML', '[', 'postern.yaml:1'],
  ])('that %s changes nothing and says why', async (_title, text, complaint) => {
    await using postern = await start();
    using client = await logIn(postern);

    await postern.reload({ whole: text });

    const [rejected] = postern.logged('configurationRejected');
    expect(JSON.stringify(rejected)).toContain(complaint);
    expect(await postern.metric('postern_config_reloads_total{result="rejected"}')).toBe(1);
    const answer = await postern.ask('/api/v1/config/reload', 'POST');
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ valid: false, problems: [{ message: expect.any(String) }] });
    expect(await client.command('NOOP')).toBe('+OK');
    using next = await logIn(postern);
    expect(await next.command('NOOP')).toBe('+OK');
  });

  it.each([
    ['the configuration', 'postern.yaml', 'Cannot read the configuration'],
    ['a secret', 'token', 'admin.tokens[0].token'],
    ['a certificate', 'cert.pem', 'tls.certificates[0]'],
  ])('for which %s is a pipe that nobody writes to keeps nobody waiting', async (_title, name, complaint) => {
    await using postern = await start();
    using client = await logIn(postern);
    const pair = certificates.valid;
    const files = { token: adminToken, 'cert.pem': pair.cert, 'key.pem': pair.key };
    for (const [file, text] of Object.entries(files)) await writeFile(join(postern.directory, file), text);
    const whole = `
listeners: [{name: starttls, address: "127.0.0.1:0", tls: starttls, plaintextFrom: [127.0.0.0/8]}]
tls: {certificates: [{cert: cert.pem, key: key.pem}]}
admin: {address: "127.0.0.1:0", tokens: [{name: ops, role: operator, token: {file: token}}]}
log: {level: debug, format: json}`;
    await postern.reload({ whole });
    expect(postern.logged('configurationReloaded')).toHaveLength(1);

    await rm(join(postern.directory, name));
    await runProcess(['mkfifo', join(postern.directory, name)], { timeoutMs: 15_000 });
    const answer = await postern.ask('/api/v1/config/reload', 'POST');

    expect(answer.status).toBe(422);
    const [rejected] = postern.logged('configurationRejected');
    expect(JSON.stringify(rejected)).toContain(complaint);
    expect(await client.command('NOOP')).toBe('+OK');
  });

  it('that turns the audit off is its last record', async () => {
    await using postern = await start('audit: {to: file, file: audit.jsonl}');

    await postern.reload({ sections: `${corpAt(first)}\naudit: {to: none}` });

    await eventually(async () =>
      expect((await auditRecords(postern)).at(-1)).toMatchObject({
        ...{ action: 'reloadConfiguration', by: 'SIGHUP', target: 'audit', result: 'done' },
      }),
    );
  });

  it('whose new listener cannot be opened changes nothing else, and closes what it opened', async () => {
    await using postern = await start();
    using client = await logIn(postern);
    const taken = `127.0.0.1:${first.port}`;

    await postern.reload({
      listeners: `
  - {name: starttls, address: "127.0.0.1:0", tls: starttls}
  - {name: fine, address: "127.0.0.1:0", tls: implicit}
  - {name: taken, address: "${taken}", tls: implicit}`,
      sections: corpAt(second),
    });

    expect(JSON.stringify(postern.logged('configurationRejected'))).toContain(
      `listeners[2].address: Cannot listen on ${taken} (taken): another program uses this port`,
    );
    expect(postern.port('fine')).toBe(0);
    using next = await logIn(postern);
    expect(first.connections.at(-1)?.lines).toContain(`PASS ${account.password}`);
    expect(await client.command('NOOP')).toBe('+OK');
    expect(await next.command('NOOP')).toBe('+OK');
  });

  it('says what waits for a restart, and leaves it as it is', async () => {
    await using postern = await start();

    await postern.reload({
      sections: `${corpAt(first)}\nredis: {url: "redis://127.0.0.1:1"}\ninventory: {retention: 1d}`,
    });

    expect(postern.logged('configurationReloaded')).toMatchObject([
      {
        level: 'warn',
        changes: [],
        needsRestart: ['redis: takes effect with a restart', 'inventory: takes effect with a restart'],
      },
    ]);
    expect(await postern.metric('postern_store_up{store="redis"}')).toBeUndefined();
    const shown = await (await postern.ask('/api/v1/config')).json();
    expect(shown).not.toHaveProperty('redis');
  });

  it('holds the next failure to the new limits, with what was counted before', async () => {
    await using postern = await start();
    using client = await connectGreeted({ port: postern.port('starttls') });
    expect(await client.logIn(account.user, 'wrong')).toMatch(/^-ERR \[AUTH\]/);

    await postern.reload({
      sections: `${corpAt(first)}\nlimits: {refusedPasswords: 0s, perAddressAndAccount: {failures: 1, window: 10m}}`,
    });

    expect(await client.logIn(account.user, 'wrong')).toMatch(/^-ERR \[AUTH\]/);
    expect(postern.logged('loginBlocked')).toEqual([]);
    using other = await connectGreeted({ port: postern.port('starttls') });
    await other.logIn('other@corp.test', 'wrong');
    expect(postern.logged('loginBlocked', { limit: 'perAddressAndAccount' })).toHaveLength(1);
  });

  it('lowers the number of sessions without cutting one', async () => {
    await using postern = await start();
    await using clients = new DisposableClients();
    clients.add(await Promise.all([logIn(postern), logIn(postern), logIn(postern)]));

    await postern.reload({ sections: `${corpAt(first)}\nsessions: {maxTotal: 2}` });

    using late = await connectWireClient({ port: postern.port('starttls') });
    expect(await late.closed()).toMatch(/^-ERR \[SYS\/TEMP\] Too many connections/);
    expect(await clients.all((client) => client.command('NOOP'))).toEqual(['+OK', '+OK', '+OK']);
  });

  it('loses no login that is under way', { timeout: 60_000 }, async () => {
    await using postern = await start(roomy);
    let isOver = false;
    const worker = async (): Promise<number> => {
      let logins = 0;
      while (!isOver) {
        using client = await logIn(postern);
        expect(await client.command('QUIT')).toMatch(/^\+OK/);
        logins += 1;
      }
      return logins;
    };
    const workers = Promise.all(Array.from({ length: 4 }, worker));

    for (let round = 0; round < 10; round += 1) {
      const before = first.connections.length + second.connections.length;
      const listeners = `
  - {name: starttls, address: "127.0.0.1:0", tls: starttls, plaintextFrom: [127.0.0.0/8]}
  - {name: extra${round}, address: "127.0.0.1:0", tls: implicit}`;
      await postern.reload({ listeners, sections: `${corpAt(round % 2 === 0 ? second : first)}\n${roomy}` });
      await eventually(() => expect(first.connections.length + second.connections.length).toBeGreaterThan(before + 4));
    }

    isOver = true;
    expect(Math.min(...(await workers))).toBeGreaterThan(0);
    expect(postern.logged('configurationReloaded')).toHaveLength(10);
    expect(postern.logged('loginFinished').every(({ result }) => result === 'accepted')).toBe(true);
  });

  it('leaves nothing behind, fifty times over', { timeout: 60_000 }, async () => {
    await using postern = await start();
    const alive = new Map<number, string>();
    const hook = createHook({
      init: (id, type) => {
        if (type === 'Timeout' || type === 'TCPSERVERWRAP') alive.set(id, type);
      },
      destroy: (id) => alive.delete(id),
    }).enable();
    const reload = (round: number): Promise<void> => {
      const audit = round % 3 === 0 ? '{to: none}' : `{to: file, file: audit-${round % 2}.jsonl}`;
      return postern.reload({
        listeners: `
  - {name: l${round % 7}, address: "127.0.0.1:0", tls: implicit}
  - {name: kept, address: "127.0.0.1:0", tls: starttls}`,
        sections: `${corpAt(round % 2 === 0 ? first : second)}\naudit: ${audit}`,
      });
    };
    try {
      for (let round = 0; round < 8; round += 1) await reload(round);
      const before = count(alive);
      for (let round = 8; round < 50; round += 1) await reload(round);
      await eventually(() => {
        const after = count(alive);
        // Far less than one for each round; some have work under way.
        for (const what of ['timers', 'listeners', 'files'] as const) {
          expect(after[what], what).toBeLessThan(before[what] + 10);
        }
      });
    } finally {
      hook.disable();
    }
    expect(postern.logged('configurationReloaded')).toHaveLength(50);
  });
});

/** Clients that are closed together. */
class DisposableClients implements AsyncDisposable {
  readonly #clients: WireClient[] = [];

  add(clients: readonly WireClient[]): void {
    this.#clients.push(...clients);
  }

  all<T>(ask: (client: WireClient) => Promise<T>): Promise<readonly T[]> {
    return Promise.all(this.#clients.map(ask));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client[Symbol.dispose]();
  }
}

function count(alive: ReadonlyMap<number, string>) {
  const of = (type: string): number => [...alive.values()].filter((each) => each === type).length;
  // Linux alone tells which are open.
  const files = existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0;
  return { timers: of('Timeout'), listeners: of('TCPSERVERWRAP'), files };
}

async function status(postern: PosternUnderTest, token: string): Promise<number> {
  const url = `${postern.adminUrl}/api/v1/status`;
  return (await fetch(url, { headers: { Authorization: `Bearer ${token}` } })).status;
}

async function auditRecords(postern: PosternUnderTest): Promise<readonly unknown[]> {
  const text = await readFile(join(postern.directory, 'audit.jsonl'), 'utf8');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
}

function fingerprint(pem: string): string {
  return new X509Certificate(pem).fingerprint256;
}

function shownCertificate(port: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({ port, host: '127.0.0.2', rejectUnauthorized: false }, () => {
    resolve(socket.getPeerCertificate().fingerprint256);
    socket.destroy();
  });
  socket.on('error', reject);
  return promise;
}
