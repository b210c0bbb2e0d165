import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type RunningProcess, runProcess } from '../../support/process.ts';
import { program } from '../../support/programs.ts';
import { createTemporaryDirectory } from '../../support/temporary-directory.ts';
import { mailDomain, numberedDomain, serverName } from '../jobs.ts';
import { type Assignment, type Contender, type RunningContender, startOnFreePorts, startServer } from './contender.ts';

/** How long a profile of some minutes may take to be written. */
const profileTimeoutMs = 60_000;
const checkTimeoutMs = 20_000;

/** Node's own options, as `npm start` and the deployments have them. */
export const startOptions = ['--max-semi-space-size=4'] as const;

/** The project's directory. */
export const ownRoot = fileURLToPath(new URL('../../..', import.meta.url));

/** Which Postern, and how it is configured. */
export interface PosternOptions {
  readonly name: string;
  /** The project's directory; default: this one. */
  readonly root?: string;
  /** Keys of its upstream beside the usual ones. */
  readonly upstreamKeys?: Readonly<Record<string, unknown>>;
  /** Upstreams with numbered domains, beside the one; all are the same server. Default: 0. */
  readonly numberedUpstreams?: number;
}

/** Postern as it is run: limits in Redis where there is one, metrics on, its log at the default level. */
export function createPostern(options: PosternOptions): Contender {
  return {
    name: options.name,
    isObservable: true,
    describe: () => describePostern(options),
    start: (assignment) => start(assignment, options),
  };
}

async function describePostern(options: PosternOptions): Promise<string | undefined> {
  const { root = ownRoot, upstreamKeys } = options;
  if (upstreamKeys !== undefined && !(await acceptsUpstream(upstreamKeys, root))) return undefined;
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const limits = program('redis-server') === undefined ? 'limits in memory (no redis-server)' : 'limits in Redis';
  const runtime = `Node ${process.versions.node} (OpenSSL ${process.versions.openssl})`;
  return `Postern ${version} on ${runtime}; ${limits}, metrics on, log "info" to a file`;
}

/** Not every version knows every key. */
async function acceptsUpstream(keys: Readonly<Record<string, unknown>>, root: string): Promise<boolean> {
  const configuration = {
    listeners: [{ name: 'implicit', address: '127.0.0.1:1995', tls: 'implicit' }],
    upstreams: [{ name: 'bench', host: '127.0.0.1', domains: [mailDomain], ...keys }],
  };
  const command = [process.execPath, join(root, 'src/main.ts'), 'check', '--config', '-'] as const;
  const { code } = await runProcess(command, { timeoutMs: checkTimeoutMs, input: JSON.stringify(configuration) });
  return code === 0;
}

async function start(assignment: Assignment, options: PosternOptions): Promise<RunningContender> {
  const { root = ownRoot } = options;
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await createTemporaryDirectory('bench-postern'));
  // It would not wait for a Postern that is looked on at: limits would come from memory now and then.
  const redis = assignment.under === undefined ? await startRedis(path) : undefined;
  if (redis !== undefined) stack.use(redis.server);
  const { server, ports } = await startOnFreePorts(
    3,
    async (free) => {
      const file = join(path, 'postern.yaml');
      await writeFile(file, posternConfiguration(free, { assignment, options, redisPort: redis?.port }));
      const { profileDirectory } = assignment;
      const profile =
        profileDirectory === undefined
          ? []
          : ['--cpu-prof', '--cpu-prof-interval=1000', `--cpu-prof-dir=${profileDirectory}`];
      const command = [...startOptions, ...profile, join(root, 'src/main.ts'), 'serve', '--config', file];
      return startWithLog(command, join(path, 'postern.log'), assignment);
    },
    assignment,
  );
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

/** Starts Node with its output in a file, and not through a pipe that this process would have to read. */
export function startWithLog(
  args: readonly string[],
  log: string,
  {
    env = {},
    under = [],
  }: { readonly env?: Readonly<Record<string, string>>; readonly under?: readonly string[] } = {},
): Promise<RunningProcess> {
  const toFile = ['/bin/sh', '-c', 'exec "$@" > "$0"', log] as const;
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return startServer([...toFile, '/usr/bin/env', ...variables, ...under, process.execPath, ...args]);
}

/** What Postern is configured with on these ports. */
export function posternConfiguration(
  [implicitPort, plaintextPort, adminPort]: readonly number[],
  more: {
    readonly assignment: Assignment;
    readonly options: Omit<PosternOptions, 'name'>;
    readonly redisPort: number | undefined;
  },
): string {
  const { files, upstreamPort: port } = more.assignment;
  const { upstreamKeys = {}, numberedUpstreams = 0 } = more.options;
  const upstream = { host: '127.0.0.1', port, ca: files.ca, ...upstreamKeys };
  const numbered = Array.from({ length: numberedUpstreams }, (_, number) => {
    const domain = numberedDomain(number);
    return { ...upstream, name: `u${number}`, serverName: domain, domains: [domain] };
  });
  const configuration = {
    listeners: [
      { name: 'implicit', address: `127.0.0.1:${implicitPort}`, tls: 'implicit' },
      { name: 'starttls', address: `127.0.0.1:${plaintextPort}`, tls: 'starttls', plaintextFrom: ['127.0.0.0/8'] },
    ],
    tls: { certificates: [{ cert: files.cert, key: files.key }] },
    upstreams: [{ ...upstream, name: 'bench', serverName, domains: [mailDomain] }, ...numbered],
    // Most of the bench's clients have one address, and they are more than its defaults let in.
    sessions: { maxPerAddress: 10_000, maxTotal: 20_000 },
    ...(more.redisPort === undefined ? {} : { redis: { url: `redis://127.0.0.1:${more.redisPort}` } }),
    admin: { address: `127.0.0.1:${adminPort}` },
  };
  return JSON.stringify(configuration); // JSON is YAML as well
}

/** A profile is written when the process ends by itself, and is larger than what one waits for otherwise. */
async function leaveTimeToEnd(server: RunningProcess): Promise<void> {
  server.signal('SIGTERM');
  await Promise.race([server.ended, delay(profileTimeoutMs, undefined, { ref: false })]);
}

/** Redis for its limits; undefined where there is none. */
export async function startRedis(directory: string): Promise<{ server: RunningProcess; port: number } | undefined> {
  const path = program('redis-server');
  if (path === undefined) return undefined;
  const { server, ports } = await startOnFreePorts(1, ([port]) =>
    startServer([path, '--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', '']),
  );
  return { server, port: ports[0] ?? 0 };
}
