import { resolve } from 'node:path';
import type { AuditConfig } from '../config/config.ts';
import { readDuration } from '../config/duration.ts';
import { explainFileError } from '../config/source.ts';
import { lowerCaseAscii } from '../policy/lower-case.ts';
import { hashedAccount } from '../telemetry/audit/account-names.ts';
import type { AuditRecord, LoginRecord, SessionRecord } from '../telemetry/audit/audit-record.ts';
import { findInFile, findInStream, type RecordQuery } from '../telemetry/audit/find-records.ts';
import { findTrailFiles } from '../telemetry/audit/trail-files.ts';
import { tellAccount } from '../telemetry/explain/tell-account.ts';
import { type SessionStory, tellSession } from '../telemetry/explain/tell-session.ts';
import { counted } from '../telemetry/explain/words.ts';
import { printable, printableAccount } from '../telemetry/printable.ts';
import { ConfigurationError } from './configuration-file.ts';
import { exitCodes } from './exit-codes.ts';
import { UsageError } from './usage-error.ts';

/** More logins of one account tell no more. */
const maxLogins = 100;

/** What `postern explain` was asked for. */
export interface ExplainOptions {
  /** A session id, an account, or an account's hash. */
  readonly subject: string;
  /** The trail, `-` for standard input; absent: the configuration's. */
  readonly file?: string | undefined;
  /** How far to look back, as a duration. */
  readonly since: string;
  /** Absent where a file is named without a configuration: hashed accounts cannot be found by name then. */
  readonly audit?: AuditConfig | undefined;
  readonly input: AsyncIterable<Uint8Array>;
  readonly out: (line: string) => void;
  readonly nowMs: number;
}

/** What the trail has about a subject. */
interface Findings {
  /** The newest first. */
  readonly logins: LoginRecord[];
  /** The newest first. */
  readonly ends: SessionRecord[];
  dropped: number;
}

type Search = (query: RecordQuery) => AsyncIterable<AuditRecord>;

/** Tells from the audit trail what happened to a session or an account. Resolves to the exit code. */
export async function runExplain(options: ExplainOptions): Promise<number> {
  const sinceMs = options.nowMs - readSince(options.since);
  const search = openTrail(options, sinceMs);
  const found = await gather(
    search({ subjects: subjectsOf(options), sinceMs }),
    (here) => here.ends[0]?.session === options.subject && isWhole(here),
  );
  const [newest] = [...found.logins, ...found.ends].toSorted((one, other) => other.timeMs - one.timeMs);
  if (newest === undefined) {
    for (const line of explainNothing(options)) options.out(line);
    return exitCodes.failed;
  }
  for (const line of await tell(newest, { found, options, search, sinceMs })) options.out(line);
  if (found.dropped > 0)
    options.out(`The trail has gaps: ${counted(found.dropped, 'record')} of whatever sessions are missing.`);
  return exitCodes.fine;
}

async function tell(
  newest: LoginRecord | SessionRecord,
  { found, options, search, sinceMs }: { found: Findings; options: ExplainOptions; search: Search; sinceMs: number },
): Promise<readonly string[]> {
  const { logins, ends } = found;
  if (newest.session === options.subject) return tellSession({ logins: logins.toReversed(), end: ends[0] });
  const story = tellAccount({ account: printableAccount(options.subject), logins, nowMs: options.nowMs });
  const last = logins[0]?.session;
  if (last === undefined) return story;
  const session = await sessionOf(last, { found, options, search, sinceMs });
  return [...story, '', 'The session of the last login:', ...tellSession(session)];
}

/** A session in which no login stood names no account at its end: it is looked for by its id. */
async function sessionOf(
  session: string,
  { found, options, search, sinceMs }: { found: Findings; options: ExplainOptions; search: Search; sinceMs: number },
): Promise<SessionStory> {
  const isOfIt = (record: { readonly session: string }): boolean => record.session === session;
  // Standard input can be read only once.
  const { logins, ends } =
    options.file === '-' ? found : await gather(search({ subjects: [session], sinceMs }), isWhole);
  return { logins: logins.filter(isOfIt).toReversed(), end: ends.find(isOfIt) };
}

/** Reads until there is enough. */
async function gather(records: AsyncIterable<AuditRecord>, isEnough: (found: Findings) => boolean): Promise<Findings> {
  const found: Findings = { logins: [], ends: [], dropped: 0 };
  for await (const record of records) {
    if (record.type === 'gap') found.dropped += record.dropped;
    else if (record.type === 'login') found.logins.push(record);
    else if (record.type === 'session') found.ends.push(record);
    if (found.logins.length >= maxLogins || isEnough(found)) break;
  }
  return found;
}

/** Whether all records of one session are there, where they are what is looked for. */
function isWhole({ logins, ends }: Findings): boolean {
  const [end] = ends;
  return end !== undefined && logins.length >= end.loginAttempts;
}

function readSince(since: string): number {
  const ms = readDuration(since);
  if (ms === undefined) throw new UsageError(`Cannot look back "${since}": write a duration, such as 12h or 30d`);
  return ms;
}

function subjectsOf({ subject, audit }: ExplainOptions): readonly string[] {
  const account = lowerCaseAscii(subject);
  const hash = audit?.hashKey === undefined ? [] : [hashedAccount(account, audit.hashKey).accountHash];
  return [subject, printableAccount(account), ...hash];
}

function openTrail({ file, audit, input }: ExplainOptions, sinceMs: number): Search {
  if (file === '-') return (query) => findInStream(input, query);
  const path = file ?? configuredFile(audit);
  return (query) => findInFiles(resolve(path), { query, sinceMs });
}

function configuredFile(audit: AuditConfig | undefined): string {
  if (audit?.to === 'file') return audit.file;
  throw new UsageError(
    'Cannot find the audit trail: the configuration writes none to a file (`audit: {to: file}`); name one with --file',
  );
}

async function* findInFiles(
  path: string,
  { query, sinceMs }: { query: RecordQuery; sinceMs: number },
): AsyncGenerator<AuditRecord> {
  try {
    for (const file of await findTrailFiles(path, sinceMs)) yield* findInFile(file, query);
  } catch (cause) {
    throw new ConfigurationError(`Cannot read the audit trail "${path}": ${explainFileError(cause)}`, { cause });
  }
}

function explainNothing({ subject, since, audit }: ExplainOptions): readonly string[] {
  const isHashed = audit?.accounts === 'hashed' && audit.hashKey === undefined;
  return [
    `The audit trail has nothing about "${printable(subject, 254)}" within the last ${since}. Look further back with --since, or check the spelling: it is a session id, or an account as the log shows it.`,
    ...(isHashed
      ? ['Accounts are hashed with a key made at each start, so no name can be found: set `audit.hashKey`.']
      : []),
  ];
}
