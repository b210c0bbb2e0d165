import { assignmentOf, type Bench, contendersAmong, generate, implicitTarget } from '../bench.ts';
import type { Contender, RunningContender } from '../contenders/contender.ts';
import { createPostern } from '../contenders/postern.ts';
import { mailDomain, numberedDomain, type SteadyJob, type Target } from '../jobs.ts';
import { cpuFigure, type Observation } from '../loads.ts';
import { type Measured, Observations, type Row, subject, type Verdict } from '../measured.ts';
import { observe } from '../rounds.ts';
import { ratios, summarize } from '../statistics.ts';

const concurrencies = [10, 100, 500, 2_000] as const;
const upstreamCounts = [1, 22, 88] as const;
/** Of the loads that differ in upstreams. */
const usualConcurrency = 10;
/** Below what two cores can do with clients and upstream on them, so that nothing waits and all loads go at one pace. */
const perSecond = 150;
const leastSessions = 1_000;
const firstWarmUpSessions = 5_000;
const warmUpSessions = 300;
const timeoutMs = 240_000;
/** Cost is flat where it is within this of the smallest load's. */
const tolerance = 0.1;

interface Step {
  readonly title: string;
  readonly concurrency: number;
  readonly domains: readonly string[];
}

/** CPU per session, as more of them are open, and as they go to more upstreams. */
export async function measureScale(bench: Bench): Promise<Measured> {
  const sessionSteps = concurrencies.map(
    (concurrency): Step => ({ title: `scale, ${concurrency} sessions open`, concurrency, domains: [mailDomain] }),
  );
  const sessions = await measureSteps(contendersAmong(bench, ['haproxy', 'bare']), { steps: sessionSteps, bench });
  const upstreamSteps = upstreamCounts.map(
    (count): Step => ({
      title: `scale, ${count} upstream${count === 1 ? '' : 's'}`,
      concurrency: usualConcurrency,
      domains: Array.from({ length: count }, (_, number) => numberedDomain(number)),
    }),
  );
  const many = createPostern({ name: subject, numberedUpstreams: Math.max(...upstreamCounts) });
  const upstreams = await measureSteps([many], { steps: upstreamSteps, bench });
  return {
    rows: [...sessions, ...upstreams],
    verdicts: [judge('sessions', sessions), judge('upstreams', upstreams)],
    notes: [
      `scale: polls with a pause in the middle, so that about ${perSecond} begin each second however many are open. The upstreams are one server by other names, in one configuration of ${Math.max(...upstreamCounts)}.`,
    ],
  };
}

async function measureSteps(
  contenders: readonly Contender[],
  { steps, bench }: { readonly steps: readonly Step[]; readonly bench: Bench },
): Promise<Row[]> {
  await using stack = new AsyncDisposableStack();
  const lanes: { readonly name: string; readonly running: RunningContender; readonly target: Target }[] = [];
  for (const contender of contenders) {
    const running = stack.use(await contender.start(assignmentOf(bench)));
    const target = implicitTarget(running, bench);
    if (target === undefined) continue;
    lanes.push({ name: contender.name, running, target });
    const poll = { kind: 'poll', sessions: firstWarmUpSessions, concurrency: 8, isResuming: false } as const;
    bench.progress(`scale: warm-up of ${contender.name}`);
    await generate({ ...poll, target, timeoutMs }, bench);
  }
  const byStep = steps.map((step) => ({ step, observations: new Observations<Observation>() }));
  for (let run = 0; run < bench.runs; run += 1) {
    for (const { step, observations } of byStep) {
      for (const { name, running, target } of lanes) {
        bench.signal.throwIfAborted();
        bench.progress(`${step.title}: run ${run + 1} of ${bench.runs}, ${name}`);
        await generate({ ...steady(step, warmUpSessions), target, timeoutMs }, bench);
        const job = { ...steady(step, Math.max(leastSessions, step.concurrency * 1.5)), target, timeoutMs };
        observations.add(name, await observe(job, { bench, contender: running }));
      }
    }
  }
  return byStep.flatMap(({ step, observations }) =>
    observations.rows(step.title, [cpuFigure('CPU ms per session', 1000)]),
  );
}

function steady({ concurrency, domains }: Step, sessions: number): SteadyJob {
  return { kind: 'steady', sessions, concurrency: Math.min(concurrency, sessions), perSecond, domains };
}

/** Compares run by run with the first row, the smallest load. */
function judge(what: string, rows: readonly Row[]): Verdict {
  const changes = changesOf(subject, rows);
  const peers = [...(rows[0]?.values.keys() ?? [])].filter((name) => name !== subject);
  // What all have in common is the machine's: its caches hold less of each session.
  const others = peers.map((name) => `; ${name} ${formatChanges(changesOf(name, rows))}`);
  return {
    holds: changes.every((change) => Math.abs(change - 1) <= tolerance),
    text: `cost per session is flat within ${tolerance * 100} % as ${what} grow: ${formatChanges(changes)}${others.join('')}`,
  };
}

function changesOf(name: string, rows: readonly Row[]): number[] {
  const [first = [], ...others] = rows.map(({ values }) => values.get(name) ?? []);
  return others.map((values) => summarize(ratios(values, first)).median);
}

function formatChanges(changes: readonly number[]): string {
  return changes.map((change) => `×${change.toFixed(2)}`).join(', ');
}
