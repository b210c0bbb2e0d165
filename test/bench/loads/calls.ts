import { join } from 'node:path';
import { assignmentOf, type Bench, generate, implicitTarget } from '../bench.ts';
import type { Contender } from '../contenders/contender.ts';
import { type Figure, type Measured, Observations } from '../measured.ts';
import { type CallCounts, countCalls, countInstructions } from '../tracers.ts';

const sessions = 200;
const warmUpSessions = 1_000;
const timeoutMs = 120_000;

const writeCalls = ['write', 'writev', 'sendto', 'sendmsg', 'sendmmsg', 'sendfile', 'pwrite64'];
const readCalls = ['read', 'readv', 'recvfrom', 'recvmsg', 'pread64'];

interface CallsObservation {
  readonly calls: CallCounts | undefined;
  readonly instructions: number | undefined;
}

const figures: readonly Figure<CallsObservation>[] = [
  { name: 'system calls per session', against: 'proxies', read: ({ calls }) => perSession(calls) },
  { name: 'writes per session', against: 'proxies', read: ({ calls }) => perSession(calls, writeCalls) },
  { name: 'reads per session', against: 'proxies', read: ({ calls }) => perSession(calls, readCalls) },
  {
    name: 'instructions per session, thousands',
    against: 'proxies',
    read: ({ instructions }) => (instructions === undefined ? undefined : instructions / sessions / 1000),
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
    notes: rows
      .filter(({ values }) => values.size === 0)
      .map(({ figure }) => `calls: "${figure}" cannot be counted on this machine.`),
    series: {
      calls: Object.fromEntries([...names].map(([name, calls]) => [name, Object.fromEntries(calls)])),
    },
  };
}

async function observe(contender: Contender, bench: Bench): Promise<CallsObservation | undefined> {
  await using running = await contender.start(assignmentOf(bench));
  const target = implicitTarget(running, bench);
  const { pid } = running;
  if (pid === undefined || target === undefined) return undefined;
  const poll = (count: number, concurrency: number) =>
    generate({ kind: 'poll', sessions: count, concurrency, isResuming: false, target, timeoutMs }, bench);
  await poll(warmUpSessions, 8);
  const during = (): Promise<unknown> => poll(sessions, 1);
  const fileNamed = (kind: string): string => join(bench.files.directory, `${contender.name}.${kind}`);
  return {
    calls: await countCalls(pid, { file: fileNamed('strace'), during }),
    instructions: await countInstructions(pid, { file: fileNamed('perf'), during }),
  };
}

function perSession(calls: CallCounts | undefined, names?: readonly string[]): number | undefined {
  if (calls === undefined || calls.size === 0) return undefined;
  const counted = [...calls].filter(([name]) => names === undefined || names.includes(name));
  return counted.reduce((sum, [, count]) => sum + count, 0) / sessions;
}
