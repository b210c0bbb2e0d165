import { join } from 'node:path';
import { assignmentOf, type Bench, generate, implicitTarget } from '../bench.ts';
import type { Contender } from '../contenders/contender.ts';
import { type Figure, type Measured, Observations } from '../measured.ts';
import { type CallCounts, countCalls, countInstructions, countUnderCallgrind, instructionCounter } from '../tracers.ts';

const sessions = 200;
const warmUpSessions = 1_000;
const timeoutMs = 240_000;
/** One of these takes a seventh of a second there. */
const simulated = { warmUpSessions: 300, sessions: 100 } as const;

const writeCalls = ['write', 'writev', 'sendto', 'sendmsg', 'sendmmsg', 'sendfile', 'pwrite64'];
const readCalls = ['read', 'readv', 'recvfrom', 'recvmsg', 'pread64'];

interface CallsObservation {
  readonly calls: CallCounts | undefined;
  /** Per session. */
  readonly instructions: number | undefined;
}

const figures: readonly Figure<CallsObservation>[] = [
  { name: 'system calls per session', against: 'proxies', read: ({ calls }) => perSession(calls) },
  { name: 'writes per session', against: 'proxies', read: ({ calls }) => perSession(calls, writeCalls) },
  { name: 'reads per session', against: 'proxies', read: ({ calls }) => perSession(calls, readCalls) },
  {
    name: 'instructions per session, thousands',
    against: 'proxies',
    read: ({ instructions }) => (instructions === undefined ? undefined : instructions / 1000),
  },
];

/** What can be counted, and so does not depend on how busy the machine is: polls one at a time. */
export async function measureCalls(bench: Bench): Promise<Measured> {
  const observations = new Observations<CallsObservation>();
  const names = new Map<string, CallCounts>();
  for (const contender of bench.contenders) {
    bench.signal.throwIfAborted();
    bench.progress(`calls: ${contender.name}`);
    const observation = await observe(contender, bench);
    if (observation === undefined) continue;
    observations.add(contender.name, observation);
    if (observation.calls !== undefined) names.set(contender.name, observation.calls);
  }
  const rows = observations.rows('calls, poll TLS→TLS one at a time', figures);
  return {
    rows,
    notes: [
      'calls: instructions are those of the whole process by perf; where it cannot count them, those of the main thread by callgrind, and Postern has its limits in memory then.',
      ...rows
        .filter(({ values }) => values.size === 0)
        .map(({ figure }) => `calls: "${figure}" cannot be counted on this machine.`),
    ],
    series: {
      calls: Object.fromEntries([...names].map(([name, calls]) => [name, Object.fromEntries(calls)])),
    },
  };
}

async function observe(contender: Contender, bench: Bench): Promise<CallsObservation | undefined> {
  const observation = await observeRunning(contender, bench);
  if (observation === undefined || observation.instructions !== undefined) return observation;
  return { ...observation, instructions: await simulate(contender, bench) };
}

async function observeRunning(contender: Contender, bench: Bench): Promise<CallsObservation | undefined> {
  await using running = await contender.start(assignmentOf(bench));
  const target = implicitTarget(running, bench);
  const { pid } = running;
  if (pid === undefined || target === undefined) return undefined;
  const poll = (count: number, concurrency: number) =>
    generate({ kind: 'poll', sessions: count, concurrency, isResuming: false, target, timeoutMs }, bench);
  await poll(warmUpSessions, 8);
  const during = (): Promise<unknown> => poll(sessions, 1);
  const fileNamed = (kind: string): string => join(bench.files.directory, `${contender.name}.${kind}`);
  const calls = await countCalls(pid, { file: fileNamed('strace'), during });
  const instructions = await countInstructions(pid, { file: fileNamed('perf'), during });
  return { calls, instructions: instructions === undefined ? undefined : instructions / sessions };
}

/** Instructions per session, counted by a processor that is imitated; undefined where that cannot be. */
async function simulate(contender: Contender, bench: Bench): Promise<number | undefined> {
  const under = instructionCounter(bench.files.directory);
  if (under === undefined || contender.isObservable !== true) return undefined;
  await using running = await contender.start({ ...assignmentOf(bench), under });
  const target = implicitTarget(running, bench);
  if (running.pid === undefined || target === undefined) return undefined;
  const poll = (count: number) =>
    generate({ kind: 'poll', sessions: count, concurrency: 1, isResuming: false, target, timeoutMs }, bench);
  await poll(simulated.warmUpSessions);
  const count = await countUnderCallgrind(running.pid, () => poll(simulated.sessions));
  return count === undefined ? undefined : count / simulated.sessions;
}

function perSession(calls: CallCounts | undefined, names?: readonly string[]): number | undefined {
  if (calls === undefined || calls.size === 0) return undefined;
  const counted = [...calls].filter(([name]) => names === undefined || names.includes(name));
  return counted.reduce((sum, [, count]) => sum + count, 0) / sessions;
}
