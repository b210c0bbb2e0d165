/** What `npm run bench` runs: Postern and its peers, side by side, under the same load. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createAuthority } from '../../src/net/certificate-authority.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { type BenchArguments, type LoadName, loadNames, readArguments, usage } from './arguments.ts';
import type { Bench } from './bench.ts';
import { bareProxy } from './contenders/bare-proxy.ts';
import { type Contender, writeBenchFiles } from './contenders/contender.ts';
import { direct } from './contenders/direct.ts';
import { dovecot } from './contenders/dovecot.ts';
import { haproxy } from './contenders/haproxy.ts';
import { nginx } from './contenders/nginx.ts';
import { perdition } from './contenders/perdition.ts';
import { createPostern } from './contenders/postern.ts';
import { stunnel } from './contenders/stunnel.ts';
import { certificateNames, type Job, type JobResult, sameTls } from './jobs.ts';
import { measureCalls } from './loads/calls.ts';
import { measureEdge } from './loads/edge.ts';
import { measureIdle } from './loads/idle.ts';
import { measureScale } from './loads/scale.ts';
import { measureSoak } from './loads/soak.ts';
import { measureStart } from './loads/start.ts';
import { selectLoads } from './loads.ts';
import { describeMachine } from './machine.ts';
import { type Measured, subject } from './measured.ts';
import { formatReport, type ReportFacts, toJson } from './report.ts';
import { runLoads } from './rounds.ts';
import { startUpstream } from './upstream.ts';
import { startWorker } from './worker.ts';

const peers: readonly Contender[] = [haproxy, dovecot, perdition, stunnel, nginx, bareProxy];
const generatorFile = new URL('load-generator.ts', import.meta.url);

const conditions = [
  `Client and upstream permit ${sameTls.minVersion}, ${sameTls.ciphers} and ${sameTls.ecdhCurve} alone. Postern still offers X25519MLKEM768 to its upstream, as Node does by default, and pays for making that key.`,
  'The certificate is ECDSA P-256; every proxy verifies it, with its name, on the upstream leg. Clients log in with USER and PASS.',
  "CPU is that of the proxy's whole process tree; one process serves, and the log, limits and metrics are part of it.",
];

/** Loads that start contenders of their own. */
const ownLoads: Readonly<Partial<Record<LoadName, (bench: Bench) => Promise<Measured>>>> = {
  idle: measureIdle,
  edge: measureEdge,
  start: measureStart,
  scale: measureScale,
  calls: measureCalls,
  soak: measureSoak,
};

process.exitCode = await main();

async function main(): Promise<number> {
  const peerNames = peers.map(({ name }) => name);
  let args: BenchArguments;
  try {
    args = readArguments(process.argv.slice(2), peerNames);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage(peerNames)}`);
    return 64;
  }
  if (args.isHelp) {
    process.stdout.write(usage(peerNames));
    return 0;
  }
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    const measured = await bench(args, interrupted.signal);
    return measured.every(({ verdicts = [] }) => verdicts.every(({ holds }) => holds)) ? 0 : 1;
  } catch (error) {
    if (interrupted.signal.aborted) return 130;
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

async function bench(args: BenchArguments, signal: AbortSignal): Promise<readonly Measured[]> {
  const { present, descriptions } = await findContenders(args);
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await createTemporaryDirectory('bench'));
  const authority = await createAuthority({ name: 'Postern bench authority' });
  const issued = await authority.issue({ names: certificateNames });
  const startGenerator = () => startWorker<Job, JobResult>(generatorFile, { signal });
  const measured = await measure(args, {
    contenders: present,
    files: await writeBenchFiles(directory.path, { ca: authority.certificate, ...issued }),
    upstream: stack.use(await startUpstream(issued, { processes: args.upstreamProcesses, signal })),
    generator: stack.use(await startGenerator()),
    startGenerator,
    ca: authority.certificate,
    runs: args.runs,
    isResuming: args.isResuming,
    minutes: args.minutes,
    profileDirectory: args.profile === undefined ? undefined : resolve(args.profile),
    signal,
    progress: (line) => {
      if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`);
    },
  });
  const facts: ReportFacts = {
    date: new Date().toISOString().slice(0, 10),
    machine: describeMachine(),
    upstreamProcesses: args.upstreamProcesses,
    runs: args.runs,
    contenders: descriptions,
    headings: new Map(present.flatMap(({ name, heading }) => (heading === undefined ? [] : [[name, heading]]))),
    conditions,
  };
  process.stdout.write(formatReport(measured, { facts, isMarkdown: args.isMarkdown }));
  if (args.json !== undefined) await writeFile(args.json, toJson(measured, facts));
  return measured;
}

/** What one load has come to is not lost because a later one cannot be measured. */
async function measure({ only }: BenchArguments, context: Bench): Promise<readonly Measured[]> {
  const shared = selectLoads(only, context);
  const measured =
    shared.length > 0
      ? [await orFailure(runLoads(shared, context), { name: 'poll, bulk, rtt', signal: context.signal })]
      : [];
  for (const name of loadNames) {
    const own = only.has(name) ? ownLoads[name] : undefined;
    if (own !== undefined) measured.push(await orFailure(own(context), { name, signal: context.signal }));
  }
  context.progress('');
  return measured;
}

async function orFailure(
  measuring: Promise<Measured>,
  { name, signal }: { readonly name: string; readonly signal: AbortSignal },
): Promise<Measured> {
  try {
    return await measuring;
  } catch (error) {
    signal.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    return { rows: [], verdicts: [{ holds: false, text: `${name} was to be measured: ${why}` }] };
  }
}

async function findContenders(
  args: BenchArguments,
): Promise<{ readonly present: readonly Contender[]; readonly descriptions: readonly string[] }> {
  const wanted = [
    createPostern({ name: subject }),
    ...(args.baseline === undefined ? [] : [createPostern({ name: 'baseline', root: resolve(args.baseline) })]),
    ...peers.filter(({ name }) => args.peers.has(name)),
    direct,
  ];
  const found = await Promise.all(
    wanted.map(async (contender) => ({ contender, description: await contender.describe() })),
  );
  const absent = found.filter(({ description }) => description === undefined).map(({ contender }) => contender.name);
  if (absent.length > 0) process.stderr.write(`Not installed, and left out: ${absent.join(', ')}\n`);
  return {
    present: found.filter(({ description }) => description !== undefined).map(({ contender }) => contender),
    descriptions: found.flatMap(({ contender, description }) =>
      description === undefined ? [] : [`${contender.name}: ${description}`],
    ),
  };
}
