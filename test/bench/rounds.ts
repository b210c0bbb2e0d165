import { setTimeout as delay } from 'node:timers/promises';
import type { RunningContender } from './contenders/contender.ts';
import type { Job, JobResult, Target } from './jobs.ts';
import type { Load, Observation } from './loads.ts';
import { treeCpuSeconds } from './process-cpu.ts';
import type { Upstream } from './upstream.ts';
import type { Worker } from './worker.ts';

/** A proxy's last closes and log lines belong to the run that caused them. */
const settleMs = 100;
/** Beyond the time that a job has itself. */
const answerSlackMs = 10_000;

/** What loads are run with. */
export interface Bench {
  readonly contenders: ReadonlyMap<string, RunningContender>;
  readonly upstream: Upstream;
  readonly generator: Worker<Job, JobResult>;
  /** PEM of the authority that clients verify with. */
  readonly ca: string;
  readonly runs: number;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/** All observations of one load: by contender, in the order of the rounds. */
export interface Measured {
  readonly load: Load;
  readonly observations: ReadonlyMap<string, readonly Observation[]>;
}

/** Runs a load round by round; in each round every contender in turn, so that all meet the same moods of the machine. */
export async function runRounds(load: Load, bench: Bench): Promise<Measured> {
  const observations = new Map<string, Observation[]>();
  for (let round = 0; round < bench.runs; round += 1) {
    for (const [name, contender] of bench.contenders) {
      const target = targetOf(contender, { load, ca: bench.ca });
      if (target === undefined) continue;
      bench.signal.throwIfAborted();
      bench.progress(`${load.title}: run ${round + 1} of ${bench.runs}, ${name}`);
      await generate(load.warmUp(target, round === 0), bench);
      const observation = await observe(load.measured(target), { bench, contender });
      observations.set(name, [...(observations.get(name) ?? []), observation]);
    }
  }
  return { load, observations };
}

function targetOf(
  { implicitPort, plaintextPort }: RunningContender,
  { load, ca }: { readonly load: Load; readonly ca: string },
): Target | undefined {
  const port = load.transport === 'implicit' ? implicitPort : plaintextPort;
  return port === undefined ? undefined : { port, transport: load.transport, ca };
}

async function observe(
  job: Job,
  { bench, contender }: { readonly bench: Bench; readonly contender: RunningContender },
): Promise<Observation> {
  await delay(settleMs);
  await bench.upstream.takeCounts();
  const before = readCpu(contender);
  const result = await generate(job, bench);
  await delay(settleMs);
  const after = readCpu(contender);
  const { connections, resumed } = await bench.upstream.takeCounts();
  return {
    result,
    ...difference('cpuSeconds', [before.own, after.own]),
    ...difference('companionCpuSeconds', [before.companion, after.companion]),
    upstreamConnections: connections,
    resumedShare: connections === 0 ? 0 : resumed / connections,
  };
}

function generate(job: Job, { generator }: Bench): Promise<JobResult> {
  return generator.ask(job, { timeoutMs: job.timeoutMs + answerSlackMs });
}

interface CpuReading {
  readonly own: number | undefined;
  readonly companion: number | undefined;
}

function readCpu({ pid, companion }: RunningContender): CpuReading {
  return {
    own: pid === undefined ? undefined : treeCpuSeconds(pid),
    companion: companion === undefined ? undefined : treeCpuSeconds(companion.pid),
  };
}

function difference<K extends string>(
  key: K,
  [before, after]: readonly [number | undefined, number | undefined],
): { [key in K]?: number } {
  if (before === undefined || after === undefined) return {};
  return { [key]: after - before } as { [key in K]?: number };
}
