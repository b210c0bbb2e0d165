import { setTimeout as delay } from 'node:timers/promises';
import type { Assignment, BenchFiles, Contender, RunningContender } from './contenders/contender.ts';
import type { Job, JobResult, Target } from './jobs.ts';
import { subject } from './measured.ts';
import type { Upstream } from './upstream.ts';
import type { Worker } from './worker.ts';

/** What loads are run with. */
export interface Bench {
  /** Those that are installed and asked for, Postern first. */
  readonly contenders: readonly Contender[];
  readonly files: BenchFiles;
  readonly upstream: Upstream;
  readonly generator: Worker<Job, JobResult>;
  /** One more, for loads that run at the same time. Whoever starts it ends it. */
  readonly startGenerator: () => Promise<Worker<Job, JobResult>>;
  /** PEM of the authority that clients verify with. */
  readonly ca: string;
  readonly runs: number;
  /** Whether clients that resume their TLS sessions are measured too. */
  readonly isResuming: boolean;
  /** How long a soak lasts. */
  readonly minutes: number;
  readonly profileDirectory: string | undefined;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/** Beyond the time that a job has itself. */
const answerSlackMs = 10_000;

/** A proxy's last closes and log lines belong to the run that caused them. */
const settleMs = 100;

/** What every contender is started for, unless a load wants it otherwise. */
export function assignmentOf({ files, upstream, profileDirectory }: Bench): Assignment {
  return {
    files,
    upstreamPort: upstream.port,
    plaintextUpstreamPort: upstream.plaintextPort,
    profileDirectory,
  };
}

/** The contenders of these names; Postern and another checkout of it are always among them. */
export function contendersAmong({ contenders }: Bench, names: readonly string[]): Contender[] {
  return contenders.filter(({ name }) => [subject, 'baseline', ...names].includes(name));
}

/**
 * Does a step of a load at a contender. A peer that fails is reported and has no result: it does not take those of the
 * others with it. Where Postern fails, so does the bench.
 */
export async function attempt<T>(
  name: string,
  { notes, signal, step }: { readonly notes: string[]; readonly signal: AbortSignal; readonly step: () => Promise<T> },
): Promise<T | undefined> {
  try {
    return await step();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (name === subject || signal.aborted) throw new Error(`${name}: ${why}`, { cause: error });
    notes.push(`${name} failed and is left out there: ${why}`);
    return undefined;
  }
}

/** Has the clients do a job. */
export function generate(job: Job, { generator }: Pick<Bench, 'generator'>): Promise<JobResult> {
  return generator.ask(job, { timeoutMs: job.timeoutMs + answerSlackMs });
}

/** Where clients of the TLS listener go; undefined where there is none. */
export function implicitTarget(contender: RunningContender, bench: Bench): Target | undefined {
  return targetOf(contender, { transport: 'implicit', ca: bench.ca });
}

/** Where clients of one of its listeners go; undefined where there is none. */
export function targetOf(
  { implicitPort, plaintextPort, ecdhCurve }: RunningContender,
  { transport, ca }: Pick<Target, 'transport' | 'ca'>,
): Target | undefined {
  const port = transport === 'implicit' ? implicitPort : plaintextPort;
  return port === undefined ? undefined : { port, transport, ca, ...(ecdhCurve === undefined ? {} : { ecdhCurve }) };
}

/** Lets what a run has left behind end. */
export function settle(ms = settleMs): Promise<void> {
  return delay(ms);
}
