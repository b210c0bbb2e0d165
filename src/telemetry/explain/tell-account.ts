import type { LoginRecord } from '../audit/audit-record.ts';
import { explainLogin } from './explain-login.ts';
import { ago, counted, moment } from './words.ts';

const maxListed = 10;

/** What the trail has of one account. */
export interface AccountStory {
  /** As it is called in the story. */
  readonly account: string;
  /** The newest first. */
  readonly logins: readonly LoginRecord[];
  readonly nowMs: number;
}

/** Answers "why can't she log in?" in the first line, says what to do in the second, and lists the last logins. */
export function tellAccount({ account, logins, nowMs }: AccountStory): readonly string[] {
  const [newest] = logins;
  if (newest === undefined) return [`${account} did not try to log in.`];
  return [
    ...answerAccount({ account, logins, nowMs }),
    `The last ${counted(Math.min(logins.length, maxListed), 'login')}, the newest first:`,
    ...logins.slice(0, maxListed).map(listLogin),
  ];
}

/** The same without the list; nothing where there was no login. */
export function answerAccount({ account, logins, nowMs }: AccountStory): readonly string[] {
  const [newest] = logins;
  if (newest === undefined) return [];
  return [...tellNewest(newest, account), ...tellRun(logins, nowMs), ...tellElsewhere(logins)];
}

function tellNewest(newest: LoginRecord, account: string): readonly string[] {
  const { cause, advice } = explainLogin(newest);
  if (newest.result === 'accepted') return [`${account} can log in: ${cause}.`];
  return [`${account} cannot log in: ${cause}.`, ...(advice === undefined ? [] : [`What to do: ${advice}.`])];
}

/** Since when it has been so. */
function tellRun(logins: readonly LoginRecord[], nowMs: number): readonly string[] {
  const [newest] = logins;
  if (newest === undefined) return [];
  const { timeMs, client } = newest;
  const last = `The last login was ${ago(timeMs, nowMs)}, at ${moment(timeMs)}, from ${client.address}.`;
  if (newest.result === 'accepted') return [last];
  const success = logins.findIndex(({ result }) => result === 'accepted');
  const failures = success === -1 ? logins.length : success;
  const accepted = logins[success];
  const before =
    accepted === undefined
      ? 'none before is on record that was accepted'
      : `the last one accepted was at ${moment(accepted.timeMs)}, from ${accepted.client.address}`;
  return [`${last} ${failures === 1 ? 'It is the first that failed' : `${failures} in a row failed`}; ${before}.`];
}

/** One device with the right password and one with an old one is the most common trouble there is. */
function tellElsewhere(logins: readonly LoginRecord[]): readonly string[] {
  const [newest] = logins;
  if (newest === undefined) return [];
  const isFailure = newest.result !== 'accepted';
  const other = logins.find(
    ({ client, result }) => client.address !== newest.client.address && (result === 'accepted') === isFailure,
  );
  if (other === undefined) return [];
  const { address } = other.client;
  if (isFailure) return [`From ${address} the account was let in at ${moment(other.timeMs)}: only some devices fail.`];
  return [`From ${address}, though, it was not let in at ${moment(other.timeMs)}: ${explainLogin(other).cause}.`];
}

function listLogin(record: LoginRecord): string {
  const { timeMs, client, result, code, session } = record;
  const encryption = client.transport === 'plaintext' ? 'no TLS' : (client.tls?.version ?? 'TLS');
  const answer = code === undefined ? result : `${result} [${code}]`;
  return `  ${moment(timeMs)}  from ${client.address} (${encryption})  ${answer}  session ${session}`;
}
