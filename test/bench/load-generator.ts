/** A child process: the clients in front of the proxies. */
import { hold, release } from './generator/hold.ts';
import { mix } from './generator/mix.ts';
import { runArrivals, runSteady } from './generator/paced.ts';
import {
  type CheckDeadline,
  inParallel,
  logIn,
  look,
  quit,
  retrieveLarge,
  retrieveSmall,
  takeResumed,
} from './generator/sessions.ts';
import type { BulkJob, Job, JobResult, PollJob, RttJob, Target } from './jobs.ts';
import { answerRequests } from './worker.ts';

answerRequests<Job, JobResult>(async (job) => {
  const startedAtMs = performance.now();
  const deadlineMs = startedAtMs + job.timeoutMs;
  const outcome = await run(job, (what) => {
    if (performance.now() > deadlineMs) throw new Error(`Cannot finish ${what}: ${job.timeoutMs / 1000} s are over`);
  });
  return { latenciesMs: [], ...outcome, seconds: (performance.now() - startedAtMs) / 1000, resumed: takeResumed() };
});

type Outcome = Pick<JobResult, 'tally'> & Partial<Pick<JobResult, 'latenciesMs'>>;

async function run(job: Job, checkDeadline: CheckDeadline): Promise<Outcome> {
  switch (job.kind) {
    case 'poll':
      return { latenciesMs: await poll(job, checkDeadline) };
    case 'bulk':
      return { latenciesMs: await bulk(job, checkDeadline) };
    case 'rtt':
      return { latenciesMs: await measureRoundTrips(job, checkDeadline) };
    case 'hold':
      return { latenciesMs: await hold(job, checkDeadline) };
    case 'release':
      return { latenciesMs: release() };
    case 'steady':
      return { latenciesMs: await runSteady(job, checkDeadline) };
    case 'arrivals':
      return { latenciesMs: await runArrivals(job, checkDeadline) };
    case 'mix':
      return { tally: await mix(job) };
    default:
      return job satisfies never;
  }
}

type Aimed<J> = J & { readonly target: Target };

async function poll(job: Aimed<PollJob>, checkDeadline: CheckDeadline): Promise<number[]> {
  let session: Buffer | undefined;
  const onSession = (latest: Buffer): void => {
    session = latest;
  };
  return inParallel({ count: job.sessions, concurrency: job.concurrency }, async (number) => {
    checkDeadline('the sessions');
    const startedAtMs = performance.now();
    const connection = await logIn({ ...job.target, number, ...(job.isResuming ? { session, onSession } : {}) });
    await look(connection);
    await retrieveSmall(connection);
    await connection.ask('QUIT');
    const latencyMs = performance.now() - startedAtMs;
    await connection.close();
    return latencyMs;
  });
}

async function bulk(job: Aimed<BulkJob>, checkDeadline: CheckDeadline): Promise<number[]> {
  const connections = await Promise.all(
    Array.from({ length: job.concurrency }, (_, number) => logIn({ ...job.target, number })),
  );
  const idle = [...connections];
  const latencies = await inParallel({ count: job.transfers, concurrency: job.concurrency }, async () => {
    checkDeadline('the transfers');
    const connection = idle.pop();
    if (connection === undefined) throw new Error('Cannot transfer: no connection is idle');
    const startedAtMs = performance.now();
    await retrieveLarge(connection);
    idle.push(connection);
    return performance.now() - startedAtMs;
  });
  await Promise.all(connections.map(quit));
  return latencies;
}

async function measureRoundTrips(job: Aimed<RttJob>, checkDeadline: CheckDeadline): Promise<number[]> {
  const connection = await logIn({ ...job.target, number: 0 });
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
