import { readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { AuditConfig } from '../../../src/config/config.ts';
import { type AuditTrail, openAuditTrail } from '../../../src/telemetry/audit/audit-trail.ts';
import { createTemporaryDirectory } from '../../support/temporary-directory.ts';
import { events } from '../events.ts';
import { auditRecordProblems } from './audit-schema.ts';

const defaults: AuditConfig = {
  to: 'stdout',
  file: '/nowhere/audit.jsonl',
  syslog: { protocol: 'udp', host: '127.0.0.1', port: 514 },
  accounts: 'plain',
};

/** A trail, and what it wrote to standard output and to the log. */
function open(change: Partial<AuditConfig>) {
  const written: string[] = [];
  const logged: string[] = [];
  const trail = openAuditTrail({
    config: { ...defaults, ...change },
    instance: 'gate1',
    log: pino({ base: null, timestamp: false }, { write: (line: string) => void logged.push(line) }),
    standardOutput: { write: (line) => void written.push(line) },
  });
  if (trail === undefined) throw new Error('Cannot open the trail: it is off');
  return { trail, written, logged };
}

function recordSession(trail: AuditTrail): void {
  for (const event of [events.opened(), events.login(), events.closed()]) trail.record(event);
}

describe('openAuditTrail', () => {
  it('opens none where none is asked for', () => {
    const options = { instance: 'gate1', log: pino({ enabled: false }), standardOutput: { write: () => {} } };
    expect(openAuditTrail({ ...options, config: { ...defaults, to: 'none' } })).toBeUndefined();
  });

  it('writes a line for each record to standard output', async () => {
    const { trail, written } = open({});
    recordSession(trail);
    trail.recordChange({ action: 'drain', by: 'ops', result: 'done' });
    expect(written.map((line) => JSON.parse(line).type)).toEqual(['login', 'session', 'admin']);
    expect(written.every((line) => line.endsWith('}\n'))).toBe(true);
    expect(trail.counts).toEqual({ made: 3, lost: 0 });
    await trail[Symbol.asyncDispose]();
  });

  it('hashes accounts with a key of its own where none is configured, and says so', () => {
    const [one, other] = [open({ accounts: 'hashed' }), open({ accounts: 'hashed' })];
    for (const { trail } of [one, other]) recordSession(trail);
    const hashOf = ({ written }: typeof one): unknown => JSON.parse(written[0] ?? '').accountHash;
    expect(hashOf(one)).toMatch(/^[0-9a-f]{32}$/);
    expect(hashOf(other)).not.toBe(hashOf(one));
    expect(one.logged.join()).toContain('audit.hashKey');
  });

  it('hashes accounts alike on every instance with the same key, without a word', () => {
    const config = { accounts: 'hashed', hashKey: 'a-secret-of-the-tests' } as const;
    const [one, other] = [open(config), open(config)];
    for (const { trail } of [one, other]) recordSession(trail);
    expect(JSON.parse(one.written[0] ?? '').accountHash).toBe(JSON.parse(other.written[0] ?? '').accountHash);
    expect(one.logged).toEqual([]);
  });

  it('says once that its file cannot be written, loses what is beyond 8 MB, and tells of the gap in the trail itself', async () => {
    await using directory = await createTemporaryDirectory('audit');
    const file = join(directory.path, 'missing', 'audit.jsonl');
    const { trail, logged } = open({ to: 'file', file });
    await using _ = trail;
    await trail.flush();
    // A record has more than 300 octets.
    for (let index = 0; index < 40_000; index += 1) trail.record(events.login());
    const { made, lost } = trail.counts;
    expect(made).toBe(40_000);
    expect(lost).toBeGreaterThan(0);
    expect(lost).toBeLessThan(30_000);
    // The directory appears.
    await symlink(directory.path, join(directory.path, 'missing'));
    await trail.flush();
    await trail.flush();
    const lines = (await readFile(join(directory.path, 'audit.jsonl'), 'utf8')).trimEnd().split('\n');
    const records = lines.map((line) => JSON.parse(line));
    expect(records).toHaveLength(made - lost + 1);
    expect(records.at(-1)).toMatchObject({ type: 'gap', dropped: lost });
    expect(auditRecordProblems(records.at(-1))).toEqual([]);
    expect(logged.map((line) => JSON.parse(line).event)).toEqual(['auditTrouble', 'auditLoss', 'auditRecovered']);
    expect(logged[0]).toContain('there is no such directory');
  });
});
