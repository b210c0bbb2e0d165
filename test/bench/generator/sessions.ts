import { mailDomain, maildrop, passwords, type Target } from '../jobs.ts';
import { Pop3Connection, type Pop3ConnectionOptions } from '../pop3-connection.ts';

/** Throws where the job has taken too long; `what` is what is not finished. */
export type CheckDeadline = (what: string) => void;

/** Who logs in, and from where. */
export interface LoginOptions extends Pop3ConnectionOptions {
  /** Default: one of some accounts that take turns, by `number`. */
  readonly account?: string;
  readonly password?: string;
  readonly number: number;
}

/** Accounts that take turns, so that no counter of a proxy is met by one account alone. */
const accounts = 50;
/** Enough that none has more sessions than a proxy lets one account have. */
const manyAccounts = 2_000;
const addresses = 250;

/** Connections that resumed a TLS session since the last call. */
export function takeResumed(): number {
  const count = resumed;
  resumed = 0;
  return count;
}

let resumed = 0;

/** Connects and logs in. */
export async function logIn({ number, account, password, ...options }: LoginOptions): Promise<Pop3Connection> {
  const connection = new Pop3Connection(options);
  await connection.greeted();
  if (connection.isResumed) resumed += 1;
  await connection.ask(`USER ${account ?? `user${number % accounts}@${mailDomain}`}`);
  await connection.ask(`PASS ${password ?? passwords.right}`);
  return connection;
}

/** The same for one of many clients: from an address and to an account that it shares with few. */
export function logInAsOneOfMany(target: Target, number: number, domain: string = mailDomain): Promise<Pop3Connection> {
  const account = `user${number % manyAccounts}@${domain}`;
  return logIn({ ...target, number, account, localAddress: manyAddresses(number) });
}

/** Loopback addresses that take turns, each of another network: proxies limit what one may have, and one has only so many ports. */
function manyAddresses(number: number): string {
  return `127.1.${number % addresses}.1`;
}

/** What a client looks at before it fetches. */
export async function look(connection: Pop3Connection): Promise<void> {
  await connection.ask('STAT');
  await connection.ask('UIDL', { isMultiline: true });
}

/** Fetches the small message. */
export async function retrieveSmall(connection: Pop3Connection): Promise<void> {
  expectMessage(await connection.ask(`RETR ${maildrop.small}`, { isMultiline: true }), maildrop.smallOctets);
}

/** Fetches the large message. */
export async function retrieveLarge(connection: Pop3Connection): Promise<void> {
  expectMessage(await connection.ask(`RETR ${maildrop.large}`, { isMultiline: true }), maildrop.largeOctets);
}

/** Ends a session as a client does. */
export async function quit(connection: Pop3Connection): Promise<void> {
  await connection.ask('QUIT');
  await connection.close();
}

/** Does a work `count` times, `concurrency` of them at a time; what each gave, in the order they ended. One that fails ends all. */
export async function inParallel<T>(
  { count, concurrency }: { readonly count: number; readonly concurrency: number },
  work: (number: number, lane: number) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const runLane = async (lane: number): Promise<void> => {
    try {
      while (next < count) {
        const number = next;
        next += 1;
        results.push(await work(number, lane));
      }
    } finally {
      next = count; // after a failure nobody goes on
    }
  };
  const lanes = Array.from({ length: Math.min(concurrency, count) }, (_, lane) => runLane(lane));
  // Those under way are waited for: the next job does not begin among them.
  for (const lane of await Promise.allSettled(lanes)) if (lane.status === 'rejected') throw lane.reason;
  return results;
}

/** The reply has a line and headers around the message; one that lost or gained octets is another length altogether. */
function expectMessage(octets: number, messageOctets: number): void {
  const around = `+OK ${messageOctets} octets\r\nSubject: Bench\r\n\r\n.\r\n`.length;
  if (octets !== messageOctets + around)
    throw new Error(`Cannot use a reply of ${octets} octets: ${messageOctets + around} were sent`);
}
