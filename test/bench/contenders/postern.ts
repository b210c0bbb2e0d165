import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type RunningProcess, startProcess } from '../../support/process.ts';
import { program } from '../../support/programs.ts';
import { createTemporaryDirectory } from '../../support/temporary-directory.ts';
import { mailDomain, serverName } from '../jobs.ts';
import { type Assignment, type Contender, type RunningContender, startOnFreePorts } from './contender.ts';

/** How long a profile of some minutes may take to be written. */
const profileTimeoutMs = 60_000;

const ownRoot = fileURLToPath(new URL('../../..', import.meta.url));

/**
 * Postern as it is run: limits in Redis where there is one, metrics on, its log at the default level. `root` is the
 * project's directory; default: this one.
 */
export function createPostern({ name, root = ownRoot }: { readonly name: string; readonly root?: string }): Contender {
  return { name, describe: async () => describePostern(root), start: (assignment) => start(assignment, root) };
}

function describePostern(root: string): string {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const limits = program('redis-server') === undefined ? 'limits in memory (no redis-server)' : 'limits in Redis';
  const runtime = `Node ${process.versions.node} (OpenSSL ${process.versions.openssl})`;
  return `Postern ${version} on ${runtime}; ${limits}, metrics on, log "info" to a file`;
}

async function start(assignment: Assignment, root: string): Promise<RunningContender> {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await createTemporaryDirectory('bench-postern'));
  const redis = await startRedis(directory.path);
  if (redis !== undefined) stack.use(redis.server);
  const options = { assignment, root, directory: directory.path, redisPort: redis?.port };
  const { server, ports } = await startOnFreePorts(3, (free) => serve(free, options));
  stack.use(server);
  if (assignment.profileDirectory !== undefined) stack.defer(() => leaveTimeToEnd(server));
  const [implicitPort = 0, plaintextPort = 0] = ports;
  const owned = stack.move();
  return {
    pid: server.pid,
    ...(redis === undefined ? {} : { companion: { name: 'Redis', pid: redis.server.pid } }),
    implicitPort,
    plaintextPort,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface ServeOptions {
  readonly assignment: Assignment;
  readonly root: string;
  readonly directory: string;
  readonly redisPort: number | undefined;
}

async function serve(
  [implicitPort, plaintextPort, adminPort]: readonly number[],
  { assignment, root, directory, redisPort }: ServeOptions,
): Promise<RunningProcess> {
  const { files, upstreamPort, profileDirectory } = assignment;
  const configuration = {
    listeners: [
      { name: 'implicit', address: `127.0.0.1:${implicitPort}`, tls: 'implicit' },
      { name: 'starttls', address: `127.0.0.1:${plaintextPort}`, tls: 'starttls', plaintextFrom: ['127.0.0.1'] },
    ],
    tls: { certificates: [{ cert: files.cert, key: files.key }] },
    upstreams: [
      { name: 'bench', host: '127.0.0.1', port: upstreamPort, ca: files.ca, serverName, domains: [mailDomain] },
    ],
    // All of the bench's clients have one address.
    sessions: { maxPerAddress: 10_000 },
    ...(redisPort === undefined ? {} : { redis: { url: `redis://127.0.0.1:${redisPort}` } }),
    admin: { address: `127.0.0.1:${adminPort}` },
  };
  const file = join(directory, 'postern.yaml');
  await writeFile(file, JSON.stringify(configuration)); // JSON is YAML as well
  const profile =
    profileDirectory === undefined
      ? []
      : ['--cpu-prof', '--cpu-prof-interval=1000', `--cpu-prof-dir=${profileDirectory}`];
  const log = join(directory, 'postern.log');
  // The shell becomes Postern: the log goes to a file, and not through a pipe that this process would have to read.
  const toFile = ['/bin/sh', '-c', 'exec "$@" > "$0"', log] as const;
  return startProcess([...toFile, process.execPath, ...profile, join(root, 'src/main.ts'), 'serve', '--config', file]);
}

/** A profile is written when the process ends by itself, and is larger than what one waits for otherwise. */
async function leaveTimeToEnd(server: RunningProcess): Promise<void> {
  server.signal('SIGTERM');
  await Promise.race([server.ended, delay(profileTimeoutMs, undefined, { ref: false })]);
}

async function startRedis(directory: string): Promise<{ server: RunningProcess; port: number } | undefined> {
  const path = program('redis-server');
  if (path === undefined) return undefined;
  const { server, ports } = await startOnFreePorts(1, ([port]) =>
    startProcess([path, '--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', '']),
  );
  return { server, port: ports[0] ?? 0 };
}
