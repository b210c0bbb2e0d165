import { assignmentOf, type Bench, contendersAmong, generate, implicitTarget } from '../bench.ts';
import type { Assignment, Contender } from '../contenders/contender.ts';
import { createPostern } from '../contenders/postern.ts';
import type { DelayRelaySetup } from '../delay-relay-server.ts';
import type { ArrivalsJob, Job, JobResult, Target } from '../jobs.ts';
import { type Figure, type Measured, Observations, type Row, subject } from '../measured.ts';
import { percentile } from '../statistics.ts';
import { startWorker, type Worker } from '../worker.ts';

const relayFile = new URL('../delay-relay-server.ts', import.meta.url);
const relayTimeoutMs = 15_000;

/** Half of the round trip that is usual across a country. */
const oneWayMs = 20;
/** A busy site's: an account each half second. */
const perSecond = 2;
/** As long as a proxy's memory of demand is; 30 s. */
const warmUpSessions = 60;
const sessionsPerRun = 30;
const timeoutMs = 120_000;
/** So that each run meets moments of its own, and all contenders the same ones. */
const seedStep = 7919;

const readAheadName = 'postern, readAhead';

const figures: readonly Figure<JobResult>[] = [
  { name: 'first message p50 ms', against: 'all', read: ({ latenciesMs }) => percentile(latenciesMs, 0.5) },
  { name: 'first message p90 ms', against: 'all', read: ({ latenciesMs }) => percentile(latenciesMs, 0.9) },
];

/**
 * The upstream is a round trip of 40 ms away. All contenders are measured at the same time: two logins a second load
 * nothing, and so a run meets one mood of the machine.
 */
export async function measureEdge(bench: Bench): Promise<Measured> {
  const relay = await startWorker<DelayRelaySetup, number>(relayFile, { signal: bench.signal });
  try {
    const upstreamPort = await relay.ask({ port: bench.upstream.port, oneWayMs }, { timeoutMs: relayTimeoutMs });
    const assignment = { ...assignmentOf(bench), upstreamPort };
    const contenders = contendersAmong(bench, ['haproxy', 'direct']);
    const readAhead = createPostern({ name: readAheadName, upstreamKeys: { readAhead: true } });
    const hasReadAhead = (await readAhead.describe()) !== undefined;
    const all = hasReadAhead ? [...contenders, readAhead] : contenders;
    const warm = await measureWarm(all, { bench, assignment });
    const cold = await measureCold(all, { bench, assignment });
    return {
      rows: [
        ...besidePeers(`edge, ${2 * oneWayMs} ms, ${perSecond} logins/s`, warm),
        ...besidePeers(`edge, ${2 * oneWayMs} ms, first login after a start`, cold),
      ],
      notes: [
        `edge: connect, TLS, USER, PASS, STAT, UIDL, RETR; ${perSecond} logins a second at random moments, ${warmUpSessions} of them before the first run, ${sessionsPerRun} in each. TCP's own round trip is in it.`,
        ...(hasReadAhead ? [] : ['edge: this version knows no readAhead.']),
      ],
    };
  } finally {
    await relay[Symbol.asyncDispose]();
  }
}

interface EdgeOptions {
  readonly bench: Bench;
  readonly assignment: Assignment;
}

async function measureWarm(
  contenders: readonly Contender[],
  { bench, assignment }: EdgeOptions,
): Promise<Observations<JobResult>> {
  await using stack = new AsyncDisposableStack();
  const lanes: { readonly name: string; readonly target: Target; readonly generator: Worker<Job, JobResult> }[] = [];
  for (const contender of contenders) {
    const target = implicitTarget(stack.use(await contender.start(assignment)), bench);
    const generator = stack.use(await bench.startGenerator());
    if (target !== undefined) lanes.push({ name: contender.name, target, generator });
  }
  const runAll = (job: ArrivalsJob) =>
    Promise.all(lanes.map(({ target, generator }) => generate({ ...job, target, timeoutMs }, { generator })));
  bench.progress('edge: warm-up of half a minute');
  await runAll({ kind: 'arrivals', sessions: warmUpSessions, perSecond, seed: 1 });
  const observations = new Observations<JobResult>();
  for (let run = 0; run < bench.runs; run += 1) {
    bench.signal.throwIfAborted();
    bench.progress(`edge: run ${run + 1} of ${bench.runs}, all at the same time`);
    const results = await runAll({ kind: 'arrivals', sessions: sessionsPerRun, perSecond, seed: (run + 1) * seedStep });
    for (const [lane, result] of results.entries()) observations.add(lanes[lane]?.name ?? '', result);
  }
  return observations;
}

async function measureCold(
  contenders: readonly Contender[],
  { bench, assignment }: EdgeOptions,
): Promise<Observations<JobResult>> {
  const observations = new Observations<JobResult>();
  for (let run = 0; run < bench.runs; run += 1) {
    for (const contender of contenders) {
      bench.signal.throwIfAborted();
      bench.progress(`edge, cold: run ${run + 1} of ${bench.runs}, ${contender.name}`);
      await using running = await contender.start(assignment);
      const target = implicitTarget(running, bench);
      // Clients of its own, as cold as the proxy, would be measured with it: these have worked before.
      const job = { kind: 'arrivals', sessions: 1, perSecond: 1_000, seed: 1 } as const;
      if (target !== undefined) observations.add(contender.name, await generate({ ...job, target, timeoutMs }, bench));
    }
  }
  return observations;
}

/** Rows of Postern as it is, then with readAhead in its place, beside the same peers. */
function besidePeers(title: string, observations: Observations<JobResult>): Row[] {
  const rows = observations.rows(title, figures);
  // Of a single login there are no percentiles.
  const isSingle = title.includes('first login');
  const kept = isSingle ? rows.slice(0, 1).map((row) => ({ ...row, figure: 'first message ms' })) : rows;
  return [
    ...kept.map((row) => without(row, readAheadName)),
    ...kept.flatMap((row) => {
      const values = row.values.get(readAheadName);
      if (values === undefined) return [];
      const others = [...row.values].filter(([name]) => name === 'haproxy' || name === 'direct');
      return [{ ...row, load: `${row.load}, readAhead`, values: new Map([[subject, values], ...others]) }];
    }),
  ];
}

function without(row: Row, name: string): Row {
  return { ...row, values: new Map([...row.values].filter(([other]) => other !== name)) };
}
