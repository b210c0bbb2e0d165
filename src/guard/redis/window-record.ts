import { windowEntryLength, windowHeadLength } from './window-script.ts';

const timeLength = 13;

/** The block in the record of one limit's subject, which `window-script.ts` writes. */
export interface RecordedBlock {
  /** When it ends or ended, ms; 0: there was none. */
  readonly untilMs: number;
  readonly strikes: number;
  readonly hasOwners: boolean;
}

const noBlock: RecordedBlock = { untilMs: 0, strikes: 0, hasOwners: false };

/** Reads the head of a record. What is no record counts as an empty one, as it does in Redis. */
export function readRecordedBlock(record: unknown): RecordedBlock {
  if (!isRecord(record)) return noBlock;
  const untilMs = Number(record.slice(0, timeLength));
  const strikes = Number(record.slice(timeLength, windowHeadLength - 1));
  if (Number.isNaN(untilMs) || Number.isNaN(strikes)) return noBlock;
  return { untilMs, strikes, hasOwners: record[windowHeadLength - 1] === '1' };
}

/** The members in a record that were seen after a time, the oldest first. */
export function membersSince(record: unknown, sinceMs: number): readonly string[] {
  const members: string[] = [];
  if (!isRecord(record)) return members;
  for (let start = windowHeadLength; start < record.length; start += windowEntryLength) {
    const memberStart = start + timeLength;
    if (Number(record.slice(start, memberStart)) > sinceMs)
      members.push(record.slice(memberStart, start + windowEntryLength));
  }
  return members;
}

function isRecord(record: unknown): record is string {
  return typeof record === 'string' && record.length % windowEntryLength === windowHeadLength;
}
