import { randomInt } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { IssuedCertificate } from '../../src/net/certificate-authority.ts';
import { type RunningProcess, startProcess } from './process.ts';
import { requireProgram } from './programs.ts';
import { createTemporaryDirectory } from './temporary-directory.ts';

/**
 * Below the ports that systems hand out by themselves (RFC 6335 §6, Linux from 32 768): while Redis is down nobody is
 * given its port, and no client that keeps trying connects to itself.
 */
const standardPorts = { min: 20_000, max: 32_000 };
/** A port may be in use; more than this is another trouble. */
const startAttempts = 5;

/** What a Redis is to be like. */
export interface RedisOptions {
  readonly password?: string;
  /** TLS alone, with files of these. `clients`: it wants a certificate of the same authority from them. */
  readonly tls?: { readonly certificate: IssuedCertificate; readonly ca: string; readonly clients?: 'required' };
  /** Where to look for a free port; max is left out. */
  readonly ports?: { readonly min: number; readonly max: number };
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
  await writeTlsFiles(directory.path, options);
  const { port, server } = await startOnFreePort(directory.path, options);
  let running = server;
  stack.defer(async () => {
    running.signal('SIGCONT');
    await running[Symbol.asyncDispose]();
  });
  const owned = stack.move();
  const userInfo = options.password === undefined ? '' : `:${encodeURIComponent(options.password)}@`;
  return {
    url: `${options.tls === undefined ? 'redis' : 'rediss'}://${userInfo}127.0.0.1:${port}`,
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
    const { min, max } = options.ports ?? standardPorts;
    const port = randomInt(min, max);
    try {
      return { port, server: await start({ port, directory, options }) };
    } catch (error) {
      if (attempt >= startAttempts || !String(error).includes('Address already in use')) throw error;
    }
  }
}

async function writeTlsFiles(directory: string, { tls }: RedisOptions): Promise<void> {
  if (tls === undefined) return;
  await writeFile(join(directory, 'cert.pem'), tls.certificate.cert);
  await writeFile(join(directory, 'key.pem'), tls.certificate.key);
  await writeFile(join(directory, 'ca.pem'), tls.ca);
}

/** The files are in its directory, where it goes. */
function portArguments(port: number, { tls }: RedisOptions): string[] {
  if (tls === undefined) return ['--port', String(port)];
  return [
    ...['--port', '0', '--tls-port', String(port), '--tls-replication', 'yes'],
    ...['--tls-cert-file', 'cert.pem', '--tls-key-file', 'key.pem', '--tls-ca-cert-file', 'ca.pem'],
    ...['--tls-auth-clients', tls.clients === 'required' ? 'yes' : 'no'],
  ];
}

interface Start {
  readonly port: number;
  readonly directory: string;
  readonly options: RedisOptions;
}

async function start({ port, directory, options }: Start): Promise<RunningProcess> {
  const server = await startProcess([
    requireProgram('redis-server'),
    ...['--bind', '127.0.0.1', '--dir', directory],
    ...portArguments(port, options),
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
