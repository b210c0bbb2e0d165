import { describe, expect, it } from 'vitest';
import { AdminRequestError, findAdminAccess } from '../../src/commands/admin-client.ts';
import { type InventoryOptions, runInventory } from '../../src/commands/inventory.ts';
import { type Postern, startPostern } from '../../src/commands/postern.ts';
import { configOf } from '../config/parsing.ts';
import { program } from '../support/programs.ts';
import { startRedis } from '../support/redis.ts';
import { encrypted, inTheClear } from '../telemetry/inventory/fixtures.ts';

const token = 'viewer-token-of-the-tests';

function start(more = ''): Promise<Postern> {
  const config = configOf(`
listeners: [{name: lan, address: "127.0.0.1:0", tls: starttls, plaintextFrom: [127.0.0.0/8]}]
admin: {address: "127.0.0.1:0", tokens: [{name: wall, role: viewer, token: ${token}}]}
${more}`);
  return startPostern(config, {
    version: '0.0.0',
    runtime: 'test',
    isTerminal: false,
    useColour: false,
    logDestination: { write: () => {} },
  });
}

async function ask(postern: Postern, change: Partial<InventoryOptions> = {}) {
  let printed = '';
  const exitCode = await runInventory({
    access: { url: new URL(postern.admin.url), token },
    format: 'table',
    out: { write: (text) => (printed += text) },
    ...change,
  });
  return { exitCode, printed };
}

async function complaintOf(asked: Promise<unknown>): Promise<string> {
  const error = await asked.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AdminRequestError);
  return error instanceof Error ? error.message : '';
}

describe('inventory', () => {
  it.each([
    ['memory', undefined],
    ['Redis', program('redis-server')],
  ])('names the one plaintext client among a thousand, from %s', async (kind, path) => {
    if (kind === 'Redis' && path === undefined) return;
    await using redis = kind === 'Redis' ? await startRedis() : undefined;
    await using postern = await start(redis === undefined ? '' : `redis: {url: "${redis.url}"}`);
    const { report } = postern.telemetry;
    for (let client = 0; client < 999; client += 1) {
      report(encrypted({ account: `user${client}@corp.test`, address: `10.0.${client >> 8}.${client & 255}` }));
    }
    report(inTheClear({ account: 'scanner@corp.test', address: '10.1.2.3' }));
    const { exitCode, printed } = await ask(postern, { unencrypted: true });
    expect(exitCode).toBe(0);
    const [titles, line, ...rest] = printed.split('\n');
    expect(titles).toMatch(/^account +from +listener +encryption +first login \(UTC\) +last login \(UTC\) +logins$/);
    expect(line).toMatch(/^scanner@corp\.test {2}10\.1\.2\.3 +lan +none +20\d\d-\d\d-\d\d \d\d:\d\d +20.{14} +1$/);
    expect(rest).toEqual(['', '1 client without TLS', '']);
    expect((await ask(postern)).printed).toContain('\n\n1000 clients, 1 of them without TLS\n');
  });

  it('prints all of an account as JSON or CSV', async () => {
    await using postern = await start();
    postern.telemetry.report(encrypted());
    postern.telemetry.report(inTheClear());
    postern.telemetry.report(inTheClear({ account: '=other@att.net' }));
    const asJson = await ask(postern, { account: 'User@att.net', format: 'json' });
    expect(JSON.parse(asJson.printed)).toMatchObject([{ transport: 'plaintext' }, { transport: 'stls' }]);
    const asCsv = await ask(postern, { format: 'csv' });
    expect(asCsv.printed.split('\r\n')).toHaveLength(5);
    expect(asCsv.printed).toContain(`"'=other@att.net","192.0.2.7","lan","plaintext"`);
  });

  it('says so where there is nothing', async () => {
    await using postern = await start();
    expect((await ask(postern)).printed).toBe('No login is in the inventory\n');
    expect((await ask(postern, { unencrypted: true })).printed).toBe('No login without TLS is in the inventory\n');
  });

  it('says in one line why it cannot ask', async () => {
    await using postern = await start('inventory: {retention: 0}');
    const url = new URL(postern.admin.url);
    expect(await complaintOf(ask(postern, { access: { url, token: 'no such token' } }))).toBe(
      `Cannot ask Postern at "${url.origin}": This token is not one of \`admin.tokens\``,
    );
    expect(await complaintOf(ask(postern))).toBe(
      `Cannot ask Postern at "${url.origin}": The inventory is turned off: \`inventory.retention\` is 0`,
    );
  });

  it('says so where nothing listens', async () => {
    const postern = await start();
    await postern[Symbol.asyncDispose]();
    expect(await complaintOf(ask(postern))).toMatch(
      /^Cannot ask Postern at "http:\/\/127\.0\.0\.1:\d+": nothing listens there$/,
    );
  });

  it('says so where something else answers', async () => {
    await using postern = await start();
    const url = new URL(`http://127.0.0.1:${postern.listeners[0]?.port}`);
    expect(await complaintOf(ask(postern, { access: { url, token } }))).toMatch(
      /^Cannot ask Postern at "http:\/\/127\.0\.0\.1:\d+": \w+ .*$/,
    );
  });
});

describe('findAdminAccess', () => {
  const config = configOf(
    'listeners: [{name: lan, address: "127.0.0.1:0", tls: implicit}]\nadmin: {address: "0.0.0.0:9999", tokens: [{name: a, role: viewer, token: 0123456789abcdef}]}',
  );
  const find = (given: { url?: string; token?: string }, environmentToken?: string) => {
    const { url, token: found } = findAdminAccess(given, { environmentToken, loadConfig: () => config });
    return { url: url.origin, token: found };
  };

  it('takes address and token of the configuration', () => {
    expect(find({})).toEqual({ url: 'http://127.0.0.1:9999', token: '0123456789abcdef' });
  });

  it('prefers the environment’s token, and what the command line says to both', () => {
    expect(find({}, 'environment')).toEqual({ url: 'http://127.0.0.1:9999', token: 'environment' });
    expect(find({ token: 'given', url: 'http://postern.test:1' }, 'environment')).toEqual({
      url: 'http://postern.test:1',
      token: 'given',
    });
  });

  it('reads no configuration where it needs none', () => {
    const loadConfig = () => {
      throw new Error('Cannot read it');
    };
    const access = findAdminAccess({ url: 'http://postern.test:1' }, { environmentToken: 'environment', loadConfig });
    expect(access.token).toBe('environment');
  });

  it.each(['postern.test:9110', 'ftp://postern.test', ''])('refuses the address %j', (url) => {
    expect(() => find({ url, token: 'given' })).toThrow(/^Cannot use ".*" as the admin address/);
  });

  it('says where a token comes from when there is none', () => {
    const embedded = configOf('listeners: [{name: lan, address: "127.0.0.1:0", tls: implicit}]');
    expect(() => findAdminAccess({}, { environmentToken: '', loadConfig: () => embedded })).toThrow(
      'Cannot ask Postern at "http://127.0.0.1:9110": no token; give POSTERN_ADMIN_TOKEN',
    );
  });
});
