import { randomInt } from 'node:crypto';
import { type RunningProcess, startProcess } from './process.ts';
import { requireProgram } from './programs.ts';
import { createTemporaryDirectory } from './temporary-directory.ts';

/**
 * Below the ports that systems hand out by themselves (RFC 6335 §6, Linux from 32 768): while Redis is down nobody is
 * given its port, and no client that keeps trying connects to itself.
 */
const ports = { min: 20_000, max: 32_000 };
/** A port may be in use; more than this is another trouble. */
const startAttempts = 5;

/** What a Redis is to be like. */
export interface RedisOptions {
  readonly password?: string;
  /** More of redis-server's arguments. */
  readonly args?: readonly string[];
}

/** A running Redis that keeps nothing on disk. */
export interface RedisServer extends AsyncDisposable {
  /** Holds the password where there is one. */
  readonly url: string;
  readonly port: number;
  /** Ends it at once; what it held is gone. */
  kill(): Promise<void>;
  /** Starts it again on its port, after `kill`. */
  restart(): Promise<void>;
  /** Stops it in its tracks: connections stay open, nothing is answered. */
  pause(): void;
  resume(): void;
}

/** Starts redis-server on a free port of 127.0.0.1, in a directory of its own. Rejects with its log when it does not come up. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await createTemporaryDirectory('redis'));
  const { port, server } = await startOnFreePort(directory.path, options);
  let running = server;
  stack.defer(async () => {
    running.signal('SIGCONT');
    await running[Symbol.asyncDispose]();
  });
  const owned = stack.move();
  const userInfo = options.password === undefined ? '' : `:${encodeURIComponent(options.password)}@`;
  return {
    url: `redis://${userInfo}127.0.0.1:${port}`,
    port,
    kill: async () => {
      running.signal('SIGKILL');
      await running.ended;
    },
    restart: async () => {
      running = await start({ port, directory: directory.path, options });
    },
    pause: () => running.signal('SIGSTOP'),
    resume: () => running.signal('SIGCONT'),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function startOnFreePort(
  directory: string,
  options: RedisOptions,
): Promise<{ port: number; server: RunningProcess }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = randomInt(ports.min, ports.max);
    try {
      return { port, server: await start({ port, directory, options }) };
    } catch (error) {
      if (attempt >= startAttempts || !String(error).includes('Address already in use')) throw error;
    }
  }
}

interface Start {
  readonly port: number;
  readonly directory: string;
  readonly options: RedisOptions;
}

async function start({ port, directory, options }: Start): Promise<RunningProcess> {
  const server = await startProcess([
    requireProgram('redis-server'),
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', directory],
    ...['--save', '', '--appendonly', 'no', '--daemonize', 'no'],
    ...(options.password === undefined ? [] : ['--requirepass', options.password]),
    ...(options.args ?? []),
  ]);
  try {
    await server.waitForLine(/Ready to accept connections/);
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}
