import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { type ExplainOptions, runExplain } from '../../src/commands/explain.ts';
import type { AuditConfig } from '../../src/config/config.ts';
import { hashedAccount } from '../../src/telemetry/audit/account-names.ts';
import type { AuditRecord } from '../../src/telemetry/audit/audit-record.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { end, login, refusal, startMs } from '../telemetry/explain/fixtures.ts';

const nowMs = startMs + 3_600_000;
const account = 'u0042@example.com';
const hashKey = 'a-secret-of-the-tests';

const stack = new AsyncDisposableStack();
const { path: base } = stack.use(await createTemporaryDirectory('explain'));
afterAll(() => stack.disposeAsync());

function toText(records: readonly AuditRecord[], prefix = ''): string {
  return records.map((record) => `${prefix}${JSON.stringify(record)}\n`).join('');
}

describe('postern explain', () => {
  const directory = join(base, 'trail');
  const file = join(directory, 'audit.jsonl');
  beforeEach(async () => {
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory);
  });

  async function write(name: string, content: string | Uint8Array, changedAtMs = nowMs): Promise<void> {
    await writeFile(join(directory, name), content);
    await utimes(join(directory, name), changedAtMs / 1_000, changedAtMs / 1_000);
  }

  async function explain(subject: string, change: Partial<ExplainOptions> = {}) {
    const lines: string[] = [];
    const audit: AuditConfig = {
      to: 'file',
      file,
      syslog: { protocol: 'udp', host: '127.0.0.1', port: 514 },
      accounts: 'plain',
    };
    const input = (async function* (): AsyncGenerator<Uint8Array> {})();
    const out = (line: string) => lines.push(line);
    const code = await runExplain({ subject, since: '7d', audit, input, out, nowMs, ...change });
    return { code, lines, text: lines.join('\n') };
  }

  it('answers in the first line why an account cannot log in, and tells its last session', async () => {
    await write(
      'audit.jsonl',
      toText([
        login({ account: 'somebody@example.com', session: 'ab12-0' }),
        login({ minutes: 1, session: 'ab12-1' }),
        end({ session: 'ab12-1' }),
        refusal({ minutes: 5, session: 'ab12-2', hint: 'app_password' }),
        // Nobody was let in: the end of the session names no account.
        end({ session: 'ab12-2', account: undefined, upstream: undefined, reason: 'login_attempts', quitCommands: 0 }),
      ]),
    );
    const { code, lines, text } = await explain(account);
    expect(code).toBe(0);
    expect(lines[0]).toMatch(/^u0042@example\.com cannot log in: .* wants an app password/);
    expect(lines[1]).toMatch(/^What to do: Make an app password/);
    expect(text).toContain('The session of the last login:');
    expect(lines.at(-1)).toContain('too many of its logins were refused');
    expect(text).not.toContain('somebody');
  });

  it('finds an account in whatever case it is written', async () => {
    await write('audit.jsonl', toText([login()]));
    expect((await explain('U0042@Example.COM')).code).toBe(0);
  });

  it('tells the session of an id, with each of its logins', async () => {
    await write(
      'audit.jsonl',
      toText([
        refusal({ session: 'ab12-1' }),
        login({ minutes: 1, session: 'ab12-10' }),
        login({ minutes: 2, session: 'ab12-1' }),
        end({ session: 'ab12-1', loginAttempts: 2 }),
      ]),
    );
    const { code, text } = await explain('ab12-1');
    expect(code).toBe(0);
    expect(text.match(/it tried to log in/g)).toHaveLength(2);
    expect(text).toContain('because the client closed the connection');
    expect(text).not.toContain('ab12-10');
  });

  it('goes on in files that were moved away, compressed ones too', async () => {
    await write('audit.jsonl', toText([refusal({ minutes: 50, session: 'ab12-3' })]));
    await write('audit.jsonl.1', toText([refusal({ minutes: 30, session: 'ab12-2' })]), nowMs - 600_000);
    await write('audit.jsonl.2.gz', gzipSync(toText([login({ minutes: 10, session: 'ab12-1' })])), nowMs - 1_200_000);
    await write('audit.jsonl.bak', toText([login({ minutes: 55, session: 'ab12-9' })]));
    const { text } = await explain(account);
    expect(text).toContain('2 in a row failed; the last one accepted was at 2026-11-23 08:10:00 UTC');
    expect(text).not.toContain('ab12-9');
  });

  it('says in one line which trail it cannot read, where that is a compressed file', async () => {
    await write('audit.jsonl', toText([refusal({ minutes: 50 })]));
    await mkdir(join(directory, 'audit.jsonl.1.gz'));
    await expect(explain(account)).rejects.toThrow(/^Cannot read the audit trail ".*audit\.jsonl": it is a directory$/);
  });

  it('finds a trail of which only moved files are left', async () => {
    await write('audit.jsonl-20261123.gz', gzipSync(toText([login()])));
    expect((await explain(account)).lines[0]).toContain('can log in');
  });

  it('looks back no further than it was told', async () => {
    await write('audit.jsonl', toText([refusal({ minutes: 0 }), login({ account: 'a@example.com', minutes: 59 })]));
    const { code, text } = await explain(account, { since: '30m' });
    expect(code).toBe(1);
    expect(text).toMatch(/has nothing about "u0042@example\.com" within the last 30m.*--since/);
  });

  it('passes over what is no record', async () => {
    const torn = toText([refusal({ minutes: 5 })]).slice(0, 200);
    const noise = `not json ${account}\n{"v":1,"type":"login","account":"${account}"}\n{"v":1 "${account}"\n`;
    await write('audit.jsonl', `${toText([login()])}${noise}${'x'.repeat(200_000)}"${account}"\n${torn}`);
    const { lines } = await explain(account);
    expect(lines[0]).toContain('can log in');
  });

  it('reads what a syslog receiver wrote, and standard input', async () => {
    const text = toText([refusal(), end()], 'Nov 23 08:10:11 gate1 postern[42]: ');
    async function* input(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(text.slice(0, 300));
      yield Buffer.from(text.slice(300));
    }
    const { lines } = await explain(account, { file: '-', audit: undefined, input: input() });
    expect(lines[0]).toContain('cannot log in');
    expect(lines.at(-1)).toContain('it ended after');
  });

  it('finds a hashed account by its name with the configured key, and by its hash without', async () => {
    const { accountHash } = hashedAccount(account, hashKey);
    await write('audit.jsonl', toText([refusal({ account: undefined, accountHash })]));
    const audit: AuditConfig = {
      to: 'file',
      file,
      syslog: { protocol: 'udp', host: '127.0.0.1', port: 514 },
      accounts: 'hashed',
      hashKey,
    };
    expect((await explain('U0042@example.com', { audit })).lines[0]).toContain('cannot log in');
    expect((await explain(accountHash, { file, audit: undefined })).lines[0]).toContain('cannot log in');
    const { hashKey: _, ...keyless } = audit;
    expect((await explain(account, { audit: keyless })).text).toContain('set `audit.hashKey`');
  });

  it('says that records are missing', async () => {
    const { v, timeMs, time, instance } = login();
    await write('audit.jsonl', toText([login(), { v, type: 'gap', timeMs, time, instance, dropped: 7 }]));
    expect((await explain(account)).text).toContain('The trail has gaps: 7 records');
  });

  it('answers within a bounded time and memory where the trail is long', async () => {
    const line = toText([login({ account: 'somebody@example.com', minutes: 30 })]);
    await write('audit.jsonl', toText([refusal({ minutes: 1 })]) + line.repeat(40_000));
    expect((await explain(account)).lines[0]).toContain('cannot log in');
  });

  it('shows nothing of a subject that would drive a terminal', async () => {
    await write('audit.jsonl', toText([login()]));
    expect((await explain('\u001b[2Ja@b')).text).not.toContain('\u001b');
  });

  it('says in one line that there is no such file', async () => {
    await expect(explain(account)).rejects.toThrow(`Cannot read the audit trail "${file}": there is no such file`);
  });

  it('says in one line that the configuration writes no trail', async () => {
    const audit = { to: 'none', file, syslog: { protocol: 'udp', host: 'x', port: 1 }, accounts: 'plain' } as const;
    await expect(explain(account, { audit })).rejects.toThrow(/Cannot find the audit trail.*--file/);
  });

  it('refuses a time to look back that is none', async () => {
    await expect(explain(account, { since: 'yesterday' })).rejects.toThrow('Cannot look back "yesterday"');
  });
});
