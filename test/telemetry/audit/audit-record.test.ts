import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { noCommands } from '../../../src/pop3/counted-command.ts';
import { auditRecordJsonSchema } from '../../../src/telemetry/audit/audit-record.ts';
import { events } from '../events.ts';
import { auditRecordProblems } from './audit-schema.ts';
import { createRecorder, recordsOf } from './recording.ts';

const schemaFile = new URL('../../../src/telemetry/audit/audit-record.schema.json', import.meta.url);

describe('the published schema of audit records', () => {
  it('is what the code says: else write auditRecordJsonSchema() to the file', async () => {
    expect(JSON.parse(await readFile(schemaFile, 'utf8'))).toEqual(auditRecordJsonSchema());
  });

  it('accepts records of every kind, as they are written', () => {
    const { recorder, records } = createRecorder();
    recorder.recordChange({ action: 'drain', by: 'ops', role: 'operator', address: '::1', result: 'done' });
    recorder.recordGap(3);
    const written = recordsOf([
      events.opened({ correlationId: 'x' }),
      events.clientTls({ certificate: { subject: 'CN=a', fingerprint: 'ab' } }),
      events.untrusted(),
      events.unrouted(),
      events.login({ result: 'limited', guard: { reason: 'limit', limit: 'perNetwork', retryAfterMs: 1.5 } }),
      events.login({ result: 'denied', deniedBy: 'certificateAccounts', reply: '[SYS/PERM] no' }),
      events.connected(),
      events.login(),
      events.closed({ commands: noCommands() }),
      events.closed({ sessionId: 'never opened', needsEncryption: true }),
    ]);
    expect([...written, ...records].flatMap(auditRecordProblems)).toEqual([]);
  });

  it.each([
    ['an unknown field', { secret: 'x' }],
    ['another version', { v: 2 }],
    ['a result outside of its set', { result: 'maybe' }],
    ['a missing field', { session: undefined }],
  ])('refuses %s', (_, change) => {
    const [record] = recordsOf([events.login()]);
    expect(auditRecordProblems({ ...record, ...change })).not.toEqual([]);
  });
});
