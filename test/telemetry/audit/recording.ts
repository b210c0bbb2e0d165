import type { GateEvent } from '../../../src/proxy/events.ts';
import { plainAccount } from '../../../src/telemetry/audit/account-names.ts';
import type { AuditRecord } from '../../../src/telemetry/audit/audit-record.ts';
import { Recorder, type RecorderOptions } from '../../../src/telemetry/audit/recorder.ts';

/** The moment of every record made here. */
const nowMs = Date.parse('2026-11-23T08:10:11.000Z');

/** A recorder and the records that it made. */
export function createRecorder(change: Partial<RecorderOptions> = {}) {
  const records: AuditRecord[] = [];
  const recorder = new Recorder({
    instance: 'gate1',
    nameAccount: plainAccount,
    emit: (record) => records.push(record),
    nowMs: () => nowMs,
    ...change,
  });
  return { recorder, records };
}

/** The records of events, as they are read back: without what is undefined. */
export function recordsOf(events: readonly GateEvent[], change?: Partial<RecorderOptions>): readonly AuditRecord[] {
  const { recorder, records } = createRecorder(change);
  for (const event of events) recorder.record(event);
  return JSON.parse(JSON.stringify(records));
}
