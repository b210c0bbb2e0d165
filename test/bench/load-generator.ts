/** A child process: the clients in front of the proxies. */
import { type Job, type JobResult, mailDomain, maildrop, type Target } from './jobs.ts';
import { Pop3Connection, type Pop3ConnectionOptions } from './pop3-connection.ts';
import { answerRequests } from './worker.ts';

/** Accounts that take turns, so that no counter of a proxy is met by one account alone. */
const accounts = 50;

answerRequests<Job, JobResult>(async (job) => {
  const startedAtMs = performance.now();
  const deadlineMs = startedAtMs + job.timeoutMs;
  const latenciesMs = await run(job, (what) => {
    if (performance.now() > deadlineMs) throw new Error(`Cannot finish ${what}: ${job.timeoutMs / 1000} s are over`);
  });
  return { seconds: (performance.now() - startedAtMs) / 1000, latenciesMs, resumed: takeResumed() };
});

/** Connections of the running job that resumed a TLS session. */
let resumed = 0;

function takeResumed(): number {
  const count = resumed;
  resumed = 0;
  return count;
}

type CheckDeadline = (what: string) => void;

function run(job: Job, checkDeadline: CheckDeadline): Promise<number[]> {
  switch (job.kind) {
    case 'poll':
      return poll(job, checkDeadline);
    case 'bulk':
      return bulk(job, checkDeadline);
    case 'rtt':
      return measureRoundTrips(job, checkDeadline);
    default:
      return job satisfies never;
  }
}

async function poll(job: Extract<Job, { kind: 'poll' }>, checkDeadline: CheckDeadline): Promise<number[]> {
  let session: Buffer | undefined;
  const onSession = (latest: Buffer): void => {
    session = latest;
  };
  return inParallel({ count: job.sessions, concurrency: job.concurrency }, async (number) => {
    checkDeadline('the sessions');
    const startedAtMs = performance.now();
    const connection = await logIn({ ...job.target, ...(job.isResuming ? { session, onSession } : {}) }, number);
    await connection.ask('STAT');
    await connection.ask('UIDL', { isMultiline: true });
    expectMessage(await connection.ask(`RETR ${maildrop.small}`, { isMultiline: true }), maildrop.smallOctets);
    await connection.ask('QUIT');
    const latencyMs = performance.now() - startedAtMs;
    await connection.close();
    return latencyMs;
  });
}

async function bulk(job: Extract<Job, { kind: 'bulk' }>, checkDeadline: CheckDeadline): Promise<number[]> {
  const connections = await Promise.all(
    Array.from({ length: job.concurrency }, (_, number) => logIn(job.target, number)),
  );
  const idle = [...connections];
  const latencies = await inParallel({ count: job.transfers, concurrency: job.concurrency }, async () => {
    checkDeadline('the transfers');
    const connection = idle.pop();
    if (connection === undefined) throw new Error('Cannot transfer: no connection is idle');
    const startedAtMs = performance.now();
    expectMessage(await connection.ask(`RETR ${maildrop.large}`, { isMultiline: true }), maildrop.largeOctets);
    idle.push(connection);
    return performance.now() - startedAtMs;
  });
  await Promise.all(connections.map(quit));
  return latencies;
}

async function measureRoundTrips(job: Extract<Job, { kind: 'rtt' }>, checkDeadline: CheckDeadline): Promise<number[]> {
  const connection = await logIn(job.target, 0);
  const latencies: number[] = [];
  for (let request = 0; request < job.requests; request += 1) {
    const startedAtMs = performance.now();
    await connection.ask('NOOP');
    latencies.push(performance.now() - startedAtMs);
    checkDeadline('the requests');
  }
  await quit(connection);
  return latencies;
}

async function logIn(options: Pop3ConnectionOptions & Target, number: number): Promise<Pop3Connection> {
  const connection = new Pop3Connection(options);
  await connection.greeted();
  if (connection.isResumed) resumed += 1;
  await connection.ask(`USER user${number % accounts}@${mailDomain}`);
  await connection.ask('PASS bench-password');
  return connection;
}

async function quit(connection: Pop3Connection): Promise<void> {
  await connection.ask('QUIT');
  await connection.close();
}

/** The reply has a line and headers around the message; one that lost or gained octets is another length altogether. */
function expectMessage(octets: number, messageOctets: number): void {
  const around = `+OK ${messageOctets} octets\r\nSubject: Bench\r\n\r\n.\r\n`.length;
  if (octets !== messageOctets + around)
    throw new Error(`Cannot use a reply of ${octets} octets: ${messageOctets + around} were sent`);
}

async function inParallel(
  { count, concurrency }: { readonly count: number; readonly concurrency: number },
  work: (number: number) => Promise<number>,
): Promise<number[]> {
  const results: number[] = [];
  let next = 0;
  const runOne = async (): Promise<void> => {
    while (next < count) {
      const number = next;
      next += 1;
      results.push(await work(number));
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, runOne));
  return results;
}
