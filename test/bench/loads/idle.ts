import { assignmentOf, attempt, type Bench, generate, implicitTarget, settle } from '../bench.ts';
import type { Contender } from '../contenders/contender.ts';
import type { Target } from '../jobs.ts';
import { type Figure, type Measured, Observations } from '../measured.ts';
import { openFilesLimit, treeMemory } from '../process-memory.ts';

const sizes = [2_000, 10_000] as const;
/** Memory moves less than time does, and each of these takes minutes. */
const maxRuns = 3;
/** What a proxy has open beside its sessions, which take two each. */
const otherFiles = 400;
/** So that what every proxy makes once is made before. */
const warmUpSessions = 500;
const loginsAtOnce = 32;
/** Until garbage is collected and buffers are given back, where a proxy does that by itself. */
const settleBeforeMs = 3_000;
const settleAfterMs = 15_000;
const timeoutMs = 300_000;

interface IdleObservation {
  readonly sessions: number;
  readonly beforeKb: number;
  readonly afterKb: number;
}

const figures: readonly Figure<IdleObservation>[] = [
  {
    name: 'kB per session',
    against: 'proxies',
    read: ({ sessions, beforeKb, afterKb }) => (afterKb - beforeKb) / sessions,
  },
  { name: 'MB in all', read: ({ afterKb }) => afterKb / 1000 },
];

/** Logged-in sessions that do nothing: what they add to the proportional memory of a proxy that was just started. */
export async function measureIdle(bench: Bench): Promise<Measured> {
  const most = Math.floor((openFilesLimit() - otherFiles) / 2);
  const capped = [...new Set(sizes.map((size) => Math.min(size, most)))];
  const measured: Measured[] = [];
  for (const sessions of capped) measured.push(await measureSize(sessions, bench));
  const limit = `idle: one process may open ${openFilesLimit()} files here (ulimit -Hn), so ${most} sessions stand for ${sizes[1]}.`;
  return {
    rows: measured.flatMap(({ rows }) => rows),
    notes: [
      `idle: proportional memory (PSS) of the process tree, ${settleAfterMs / 1000} s after the last login, less that before the first; a fresh process for each run. Redis is not in it.`,
      ...(most < sizes[1] ? [limit] : []),
      ...measured.flatMap(({ notes }) => notes ?? []),
    ],
  };
}

async function measureSize(sessions: number, bench: Bench): Promise<Measured> {
  const observations = new Observations<IdleObservation>();
  const notes: string[] = [];
  const failed = new Set<string>();
  const runs = Math.min(bench.runs, maxRuns);
  for (let run = 0; run < runs; run += 1) {
    for (const contender of bench.contenders) {
      bench.signal.throwIfAborted();
      if (failed.has(contender.name) || sessions > (contender.maxIdleSessions ?? Number.POSITIVE_INFINITY)) continue;
      bench.progress(`idle, ${sessions} sessions: run ${run + 1} of ${runs}, ${contender.name}`);
      const step = () => observe(contender, { sessions, bench });
      const before = notes.length;
      const observation = await attempt(contender.name, { notes, signal: bench.signal, step });
      if (notes.length > before) failed.add(contender.name);
      if (observation !== undefined) observations.add(contender.name, observation);
    }
  }
  return { rows: observations.rows(`idle TLS→TLS, ${sessions} sessions`, figures), notes };
}

async function observe(
  contender: Contender,
  { sessions, bench }: { readonly sessions: number; readonly bench: Bench },
): Promise<IdleObservation | undefined> {
  await using running = await contender.start(assignmentOf(bench));
  const target = implicitTarget(running, bench);
  if (running.pid === undefined || target === undefined) return undefined;
  const poll = { kind: 'poll', sessions: warmUpSessions, concurrency: 8, isResuming: false } as const;
  await generate({ ...poll, target, timeoutMs }, bench);
  await settle(settleBeforeMs);
  const beforeKb = treeMemory(running.pid).pssKb;
  try {
    await generate({ kind: 'hold', sessions, concurrency: loginsAtOnce, target, timeoutMs }, bench);
    await settle(settleAfterMs);
    const afterKb = treeMemory(running.pid).pssKb;
    await expectHeld(sessions, { target, bench });
    return { sessions, beforeKb, afterKb };
  } finally {
    // What a login that failed has left behind, if one did.
    await generate({ kind: 'release', target, timeoutMs }, bench);
  }
}

async function expectHeld(
  sessions: number,
  { target, bench }: { readonly target: Target; readonly bench: Bench },
): Promise<void> {
  const { latenciesMs } = await generate({ kind: 'release', target, timeoutMs }, bench);
  if (latenciesMs.length < sessions)
    throw new Error(`Cannot hold ${sessions} sessions: ${latenciesMs.length} were left`);
}
