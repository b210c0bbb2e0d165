import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CommandLine, type FinishedProcess, runProcess } from './process.ts';
import { programDirectories, requireProgram } from './programs.ts';
import { createTemporaryDirectory } from './temporary-directory.ts';

/** Enough for a 20 MB message on a busy machine; a client that hangs fails its test instead of the suite. */
const defaultTimeoutMs = 60_000;
/** When the clients themselves give up on a silent server. */
const silenceSeconds = 30;

/** What to fetch, and how. */
export interface FetchRequest {
  readonly host: string;
  readonly port: number;
  /** `stls` insists on it; `plaintext` never asks for it. */
  readonly transport: 'plaintext' | 'stls' | 'implicit';
  readonly user: string;
  readonly password: string;
  /** PEM file of the authority that a certificate is checked against. */
  readonly caFile: string;
  /** Whether the messages stay in the maildrop. Default: true. */
  readonly keep?: boolean;
  readonly timeoutMs?: number;
}

/**
 * Fetches every message of a maildrop, in order, as the client stores it. Rejects with what the client printed when it
 * fails or takes too long.
 */
export type FetchMaildrop = (request: FetchRequest) => Promise<Buffer[]>;

/** curl: a session that asks how many there are, then one that fetches and deletes. Octets as they were sent. */
export const fetchWithCurl: FetchMaildrop = async (request) => {
  await using directory = await createTemporaryDirectory('curl');
  const scheme = request.transport === 'implicit' ? 'pop3s' : 'pop3';
  const url = (path: string | number) => `url = "${scheme}://${request.host}:${request.port}/${path}"`;
  const session = [
    'silent',
    'show-error',
    'fail-early',
    'noproxy = "*"',
    `max-time = ${Math.ceil((request.timeoutMs ?? defaultTimeoutMs) / 1000)}`,
    `cacert = ${quote(request.caFile)}`,
    `user = ${quote(`${request.user}:${request.password}`)}`,
    ...(request.transport === 'stls' ? ['ssl-reqd'] : []),
  ];
  const run = (transfers: readonly (readonly string[])[]) => {
    const config = transfers.map((transfer) => [...session, ...transfer].join('\n')).join('\nnext\n');
    // -q keeps a .curlrc out; the password goes in by standard input, as the command line is everybody's to read.
    return runClient(['curl', '-q', '--config', '-'], { request, home: directory.path, input: `${config}\n` });
  };

  const listing = await run([[url('')]]);
  const count = listing.stdout.toString('latin1').match(/^\d+ \d+/gm)?.length ?? 0;
  if (count === 0) return [];
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  const fileOf = (number: number) => join(directory.path, String(number));
  const fetches = numbers.map((number) => [url(number), `output = ${quote(fileOf(number))}`]);
  const deletions = numbers.map((number) => [url(number), 'list-only', 'request = "DELE"']);
  await run(request.keep === false ? [...fetches, ...deletions] : fetches);
  return await Promise.all(numbers.map((number) => readFile(fileOf(number))));
};

/**
 * fetchmail, delivering to a program: line ends become LF, a missing empty line behind the headers is added, and lines
 * over 8 kB and bare CRs are not kept: compare with what it fetches directly. A certificate must name `localhost`.
 */
export const fetchWithFetchmail: FetchMaildrop = async (request) => {
  await using directory = await createTemporaryDirectory('fetchmail');
  const { path } = directory;
  const mail = join(path, 'mail');
  await mkdir(mail);
  const deliver = join(path, 'deliver');
  await writeFile(deliver, `cat > "${mail}/$(ls "${mail}" | wc -l)"\n`);
  const tls = {
    plaintext: "sslproto ''",
    stls: "sslproto 'TLS1.2+' sslcertck",
    implicit: "ssl sslproto 'TLS1.2+' sslcertck",
  };
  // Of a certificate's alternative names fetchmail reads only DNS names, never addresses.
  const expectedName = isIP(request.host) === 0 ? request.host : 'localhost';
  const control = join(path, 'fetchmailrc');
  const lines = [
    'set no syslog',
    'set invisible',
    `poll ${request.host} protocol pop3 service ${request.port} timeout ${silenceSeconds} bad-header accept`,
    `  username ${quoteForFetchmail(request.user)} password ${quoteForFetchmail(request.password)}`,
    `  ${tls[request.transport]} sslcertfile ${quoteForFetchmail(request.caFile)} sslcommonname ${expectedName}`,
    `  fetchall no rewrite ${request.keep === false ? 'no keep' : 'keep'}`,
    `  mda ${quoteForFetchmail(`/bin/sh ${deliver}`)}`,
    '',
  ];
  await writeFile(control, lines.join('\n'), { mode: 0o600 });
  // Root's process-id file is the same for every fetchmail of a machine unless it is named.
  const files = ['--fetchmailrc', control, '--idfile', join(path, 'ids'), '--pidfile', join(path, 'pid')];
  await runClient(['fetchmail', '--nodetach', '--silent', ...files], {
    request,
    home: path,
    // 1: there was no mail.
    acceptedCodes: [0, 1],
  });
  return await readInOrder(mail);
};

/** mpop, delivering to a maildir: line ends become LF. */
export const fetchWithMpop: FetchMaildrop = async (request) => {
  await using directory = await createTemporaryDirectory('mpop');
  const { path } = directory;
  const mail = join(path, 'mail');
  for (const part of ['', 'new', 'cur', 'tmp']) await mkdir(join(mail, part));
  const password = join(path, 'password');
  await writeFile(password, `${request.password}\n`, { mode: 0o600 });
  const tls = {
    // In the clear mpop sends no password unless the method is named.
    plaintext: ['tls off', 'auth user'],
    stls: ['tls on', 'tls_starttls on', `tls_trust_file ${request.caFile}`],
    implicit: ['tls on', 'tls_starttls off', `tls_trust_file ${request.caFile}`],
  };
  const lines = [
    'account test',
    `host ${request.host}`,
    `port ${request.port}`,
    `timeout ${silenceSeconds}`,
    `user ${request.user}`,
    `passwordeval cat ${password}`,
    ...tls[request.transport],
    `delivery maildir ${mail}`,
    `uidls_file ${join(path, 'uidls')}`,
    'received_header off',
    `keep ${request.keep === false ? 'off' : 'on'}`,
    '',
  ];
  const control = join(path, 'mpoprc');
  await writeFile(control, lines.join('\n'), { mode: 0o600 });
  await runClient(['mpop', '--quiet', `--file=${control}`, 'test'], { request, home: path });
  return await readInOrder(join(mail, 'new'));
};

/** Python's poplib, with USER and PASS. Octets as they were sent. */
export const fetchWithPoplib: FetchMaildrop = (request) => runPoplib(request, 'quit');

/** As {@link fetchWithPoplib}, but the connection is cut where `QUIT` would follow: what was deleted stays. */
export const fetchWithPoplibAndCut: FetchMaildrop = (request) => runPoplib(request, 'cut');

const poplibScript = fileURLToPath(new URL('poplib-client.py', import.meta.url));

async function runPoplib(request: FetchRequest, ending: 'quit' | 'cut'): Promise<Buffer[]> {
  await using directory = await createTemporaryDirectory('poplib');
  const mail = join(directory.path, 'mail');
  await mkdir(mail);
  const input = JSON.stringify({ ...request, keep: request.keep ?? true, ending, mail, silenceSeconds });
  await runClient(['python3', poplibScript], { request, home: directory.path, input });
  return await readInOrder(mail);
}

async function runClient(
  [name, ...args]: CommandLine,
  options: {
    readonly request: FetchRequest;
    /** Keeps the user's own settings out. */
    readonly home: string;
    readonly input?: string;
    readonly acceptedCodes?: readonly number[];
  },
): Promise<FinishedProcess> {
  const { request, home, input = '', acceptedCodes = [0] } = options;
  const finished = await runProcess([requireProgram(name), ...args], {
    env: { PATH: programDirectories().join(':'), HOME: home, LC_ALL: 'C' },
    input,
    timeoutMs: request.timeoutMs ?? defaultTimeoutMs,
  });
  if (finished.code === null || !acceptedCodes.includes(finished.code)) {
    const printed = `${finished.stderr}${finished.stdout.toString('utf8', 0, 2_000)}`.trim();
    throw new Error(`Cannot fetch with ${name}: exit code ${finished.code}: ${printed}`);
  }
  return finished;
}

/** The files of a directory, by the numbers in their names. */
async function readInOrder(directory: string): Promise<Buffer[]> {
  const byNumbers = new Intl.Collator('en', { numeric: true });
  const names = (await readdir(directory)).sort(byNumbers.compare);
  return Promise.all(names.map((name) => readFile(join(directory, name))));
}

/** A string in double quotes, as curl reads it. */
function quote(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** A string in double quotes, as fetchmail reads it: only by its number can a quote stand in one. */
function quoteForFetchmail(text: string): string {
  return `"${text.replaceAll(/["\\]/g, (character) => `\\x${character.charCodeAt(0).toString(16)}`)}"`;
}
