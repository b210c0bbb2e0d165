import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { type AuditRecord, auditRecordSchema } from './audit-record.ts';
import { linesBackwards, linesForwards } from './trail-lines.ts';

/** What is kept of a stream, which can be read in its own order alone: the newest so many. */
const maxKept = 2_000;
/** Instances' records may stand in another order by as much as their clocks and writes differ. */
const toleranceMs = 60_000;

/** What to look for. */
export interface RecordQuery {
  /** Records whose session, account or its hash is one of these. */
  readonly subjects: readonly string[];
  readonly sinceMs: number;
}

/** Records of a file that match, the newest first, and gaps between them. What is no record is passed over. */
export async function* findInFile(path: string, query: RecordQuery): AsyncGenerator<AuditRecord> {
  if (path.endsWith('.gz')) {
    // Ends the one with the error of the other, which is then met where it is read.
    yield* findInStream(
      pipeline(createReadStream(path), createGunzip(), () => {}),
      query,
    );
    return;
  }
  const file = await open(path);
  try {
    for await (const line of linesBackwards(file)) {
      if (timeOf(line) < query.sinceMs - toleranceMs) return;
      const record = match(line, query);
      if (record !== undefined) yield record;
    }
  } finally {
    await file.close();
  }
}

/** The same for a stream, which is read to its end first. */
export async function* findInStream(
  stream: AsyncIterable<Uint8Array>,
  query: RecordQuery,
): AsyncGenerator<AuditRecord> {
  const kept: AuditRecord[] = [];
  for await (const line of linesForwards(stream)) {
    const record = match(line, query);
    if (record === undefined) continue;
    kept.push(record);
    if (kept.length > maxKept) kept.shift();
  }
  yield* kept.reverse();
}

/** Read without parsing: most lines are about others. */
function timeOf(line: string): number {
  const [, digits] = /"timeMs":(\d{1,15})/.exec(line) ?? [];
  return digits === undefined ? Number.POSITIVE_INFINITY : Number(digits);
}

function match(line: string, { subjects, sinceMs }: RecordQuery): AuditRecord | undefined {
  const isCandidate = line.includes('"type":"gap"') || subjects.some((subject) => line.includes(inJson(subject)));
  if (!isCandidate) return undefined;
  const record = parse(line);
  if (record === undefined || record.timeMs < sinceMs) return undefined;
  switch (record.type) {
    case 'gap':
      return record;
    case 'admin':
      return undefined;
    case 'login':
    case 'session': {
      const names = [record.session, record.account, record.accountHash];
      return names.some((name) => name !== undefined && subjects.includes(name)) ? record : undefined;
    }
    default:
      return record satisfies never;
  }
}

function inJson(text: string): string {
  return JSON.stringify(text);
}

/** Undefined where there is none. A syslog receiver or a journal puts something before it. */
function parse(line: string): AuditRecord | undefined {
  const start = line.indexOf('{"v":');
  if (start === -1) return undefined;
  try {
    return auditRecordSchema.safeParse(JSON.parse(line.slice(start))).data;
  } catch {
    return undefined;
  }
}
