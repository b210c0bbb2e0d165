/** What `npm run bench` runs: Postern and its peers, side by side, under the same load. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createAuthority } from '../../src/net/certificate-authority.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { type BenchArguments, readArguments, usage } from './arguments.ts';
import { type Contender, type RunningContender, writeBenchFiles } from './contenders/contender.ts';
import { direct } from './contenders/direct.ts';
import { dovecot } from './contenders/dovecot.ts';
import { haproxy } from './contenders/haproxy.ts';
import { createPostern } from './contenders/postern.ts';
import { type Job, type JobResult, sameTls, serverName } from './jobs.ts';
import { selectLoads } from './loads.ts';
import { describeMachine } from './machine.ts';
import { formatReport, type ReportFacts, toJson } from './report.ts';
import { type Measured, runRounds } from './rounds.ts';
import { startUpstream } from './upstream.ts';
import { startWorker } from './worker.ts';

const peers: readonly Contender[] = [haproxy, dovecot];
const generatorFile = new URL('load-generator.ts', import.meta.url);

const conditions = [
  `Client and upstream permit ${sameTls.minVersion}, ${sameTls.ciphers} and ${sameTls.ecdhCurve} alone. Postern still offers X25519MLKEM768 to its upstream, as Node does by default, and pays for making that key.`,
  'The certificate is ECDSA P-256; every proxy verifies it, with its name, on the upstream leg. Clients log in with USER and PASS.',
  "CPU is that of the proxy's whole process tree; one process serves, and the log, limits and metrics are part of it.",
];

process.exitCode = await main();

async function main(): Promise<number> {
  let args: BenchArguments;
  try {
    args = readArguments(
      process.argv.slice(2),
      peers.map(({ name }) => name),
    );
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return 64;
  }
  if (args.isHelp) {
    process.stdout.write(usage);
    return 0;
  }
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    await bench(args, interrupted.signal);
    return 0;
  } catch (error) {
    if (interrupted.signal.aborted) return 130;
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

async function bench(args: BenchArguments, signal: AbortSignal): Promise<void> {
  const { present, descriptions } = await findContenders(args);
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await createTemporaryDirectory('bench'));
  const authority = await createAuthority({ name: 'Postern bench authority' });
  const issued = await authority.issue({ names: [serverName, 'localhost', '127.0.0.1'] });
  const files = await writeBenchFiles(directory.path, { ca: authority.certificate, ...issued });
  const upstream = stack.use(await startUpstream(issued, { signal }));
  const generator = stack.use(await startWorker<Job, JobResult>(generatorFile, { signal }));
  const profileDirectory = args.profile === undefined ? undefined : resolve(args.profile);
  const contenders = new Map<string, RunningContender>();
  for (const contender of present) {
    signal.throwIfAborted();
    const running = await contender.start({ files, upstreamPort: upstream.port, profileDirectory });
    contenders.set(contender.name, stack.use(running));
  }

  const progress = (line: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`);
  };
  const measured: Measured[] = [];
  for (const load of selectLoads(args.only, { isResuming: args.isResuming })) {
    const { certificate: ca } = authority;
    measured.push(await runRounds(load, { contenders, upstream, generator, ca, runs: args.runs, signal, progress }));
  }
  progress('');
  const facts: ReportFacts = {
    date: new Date().toISOString().slice(0, 10),
    machine: describeMachine(),
    runs: args.runs,
    contenders: descriptions,
    conditions,
  };
  process.stdout.write(formatReport(measured, { facts, isMarkdown: args.isMarkdown }));
  if (args.json !== undefined) await writeFile(args.json, toJson(measured, facts));
}

async function findContenders(
  args: BenchArguments,
): Promise<{ readonly present: readonly Contender[]; readonly descriptions: readonly string[] }> {
  const wanted = [
    createPostern({ name: 'postern' }),
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
