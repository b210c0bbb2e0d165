import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { buildPostern } from '../../../deploy/build/build.ts';
import { findFreePorts } from '../../support/process.ts';
import { createTemporaryDirectory } from '../../support/temporary-directory.ts';
import { assignmentOf, type Bench } from '../bench.ts';
import { ownRoot, posternConfiguration, startRedis, startWithLog } from '../contenders/postern.ts';
import { type Measured, Observations, type Row, subject } from '../measured.ts';

/** A start that takes longer than this has failed. */
const timeoutMs = 15_000;
const retryMs = 1;

interface Variant {
  readonly title: string;
  readonly file: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** From exec to the first greeting, in the clear: of the sources, of the one file, and with its code compiled before. */
export async function measureStart(bench: Bench): Promise<Measured> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await createTemporaryDirectory('bench-start'));
  bench.progress('start: build');
  await buildPostern({ root: ownRoot, outDirectory: join(path, 'dist') });
  const redis = await startRedis(path);
  if (redis !== undefined) stack.use(redis.server);
  const cache = join(path, 'cache');
  await mkdir(cache);
  const bundle = join(path, 'dist/postern.js');
  const variants: readonly Variant[] = [
    { title: 'start, sources', file: join(ownRoot, 'src/main.ts') },
    { title: 'start, bundle', file: bundle },
    { title: 'start, bundle, NODE_COMPILE_CACHE', file: bundle, env: { NODE_COMPILE_CACHE: cache } },
  ];
  const place = { bench, directory: path, redisPort: redis?.port };
  // The first start of each fills caches: the machine's of files, and Node's of compiled code.
  for (const variant of variants) await startPostern(variant, place);
  const observations = variants.map((variant) => ({ variant, seen: new Observations<number>() }));
  for (let run = 0; run < bench.runs; run += 1) {
    bench.progress(`start: run ${run + 1} of ${bench.runs}`);
    for (const { variant, seen } of observations) {
      bench.signal.throwIfAborted();
      seen.add(subject, await startPostern(variant, place));
    }
    const haproxyMs = await startHaproxy(bench);
    if (haproxyMs !== undefined) for (const { seen } of observations) seen.add('haproxy', haproxyMs);
  }
  return {
    rows: observations.flatMap(({ variant, seen }): Row[] =>
      seen.rows(variant.title, [{ name: 'exec to greeting ms', read: (ms) => ms }]),
    ),
    notes: [
      'start: with certificate files, Redis and metrics; clients knock each millisecond. Files were read before.',
    ],
  };
}

interface Place {
  readonly bench: Bench;
  readonly directory: string;
  readonly redisPort: number | undefined;
}

async function startPostern({ file, env }: Variant, { bench, directory, redisPort }: Place): Promise<number> {
  const ports = await findFreePorts(3);
  const configuration = join(directory, 'postern.yaml');
  const options = { assignment: assignmentOf(bench), options: {}, redisPort };
  await writeFile(configuration, posternConfiguration(ports, options));
  const startedAtMs = performance.now();
  const command = [file, 'serve', '--config', configuration];
  await using server = await startWithLog(command, join(directory, 'postern.log'), { env: env ?? {} });
  const greetedAtMs = await greeted(ports[1] ?? 0);
  // Compiled code is written when a process ends by itself.
  server.signal('SIGTERM');
  await server.ended;
  return greetedAtMs - startedAtMs;
}

/** Undefined where it is not among the contenders. Its greeting is the upstream's. */
async function startHaproxy(bench: Bench): Promise<number | undefined> {
  const haproxy = bench.contenders.find(({ name }) => name === 'haproxy');
  if (haproxy === undefined) return undefined;
  let startedAtMs = performance.now();
  let ended: Promise<number> | undefined;
  const onStart = (ports: readonly number[]): void => {
    startedAtMs = performance.now();
    ended = greeted(ports[1] ?? 0);
  };
  await using _running = await haproxy.start({ ...assignmentOf(bench), onStart });
  return ended === undefined ? undefined : (await ended) - startedAtMs;
}

/** When the port has greeted, by this process's clock. */
async function greeted(port: number): Promise<number> {
  const deadlineMs = performance.now() + timeoutMs;
  while (performance.now() < deadlineMs) {
    if (await isGreeted(port)) return performance.now();
    await delay(retryMs);
  }
  throw new Error(`Cannot start: no greeting within ${timeoutMs / 1000} s`);
}

function isGreeted(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('data', () => {
      resolve(true);
      socket.destroy();
    });
    socket.on('error', () => {});
    socket.once('close', () => resolve(false));
  });
}
