import { assignmentOf, attempt, type Bench, generate, settle, targetOf } from './bench.ts';
import type { RunningContender } from './contenders/contender.ts';
import type { Job } from './jobs.ts';
import type { Load, Observation } from './loads.ts';
import { type Measured, Observations } from './measured.ts';
import { treeCpuSeconds } from './process-cpu.ts';

/** Starts all contenders and runs each load on them. */
export async function runLoads(loads: readonly Load[], bench: Bench): Promise<Measured> {
  await using stack = new AsyncDisposableStack();
  const running = new Map<string, RunningContender>();
  for (const contender of bench.contenders) {
    bench.signal.throwIfAborted();
    running.set(contender.name, stack.use(await contender.start(assignmentOf(bench))));
  }
  const measured: Measured[] = [];
  for (const load of loads) measured.push(await runRounds(load, { bench, running }));
  return { rows: measured.flatMap(({ rows }) => rows), notes: measured.flatMap(({ notes }) => notes ?? []) };
}

/** Runs a load round by round; in each round every contender in turn, so that all meet the same moods of the machine. */
async function runRounds(
  load: Load,
  { bench, running }: { readonly bench: Bench; readonly running: ReadonlyMap<string, RunningContender> },
): Promise<Measured> {
  const observations = new Observations<Observation>();
  const notes: string[] = [];
  const left = new Map(running);
  for (let round = 0; round < bench.runs; round += 1) {
    for (const [name, contender] of left) {
      const target = targetOf(contender, { transport: load.transport, ca: bench.ca });
      if (target === undefined) continue;
      bench.signal.throwIfAborted();
      bench.progress(`${load.title}: run ${round + 1} of ${bench.runs}, ${name}`);
      const step = async (): Promise<Observation> => {
        await generate(load.warmUp(target, round === 0), bench);
        return observe(load.measured(target), { bench, contender });
      };
      const observation = await attempt(name, { notes, signal: bench.signal, step });
      if (observation === undefined) left.delete(name);
      else observations.add(name, observation);
    }
  }
  return { rows: observations.rows(load.title, load.figures), notes };
}

/** Has clients do a job at a contender, and reads what it cost there. */
export async function observe(
  job: Job,
  { bench, contender }: { readonly bench: Bench; readonly contender: RunningContender },
): Promise<Observation> {
  await settle();
  await bench.upstream.takeCounts();
  const before = readCpu(contender);
  const result = await generate(job, bench);
  await settle();
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
