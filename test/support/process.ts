import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Long enough for a server to start on a busy machine of two cores. */
const startTimeoutMs = 15_000;
/** A server that ignores SIGTERM this long is killed. */
const stopTimeoutMs = 3_000;
const pollIntervalMs = 20;

/** How a process ended: a code, or the signal that ended it. */
interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Where and as whom a process runs. */
export interface ProcessOptions {
  readonly cwd?: string;
  /** Replaces the whole environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Only root can choose. */
  readonly uid?: number;
  readonly gid?: number;
}

/** A program and its arguments. */
export type CommandLine = readonly [program: string, ...args: string[]];

/** A running server; its whole process group ends on dispose. */
export interface RunningProcess extends AsyncDisposable {
  readonly pid: number;
  /** Resolves when it has ended; never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** What it has written so far, both streams in the order they came. */
  output(): string;
  /** Resolves with the first line written, before or after the call, that matches. Rejects when it ends first or takes too long. */
  waitForLine(pattern: RegExp, options?: { readonly timeoutMs?: number }): Promise<string>;
  /** Resolves once the port accepts connections. Rejects when the process ends first or takes too long. */
  waitForPort(port: number, options?: { readonly host?: string; readonly timeoutMs?: number }): Promise<void>;
  /** Signals the process alone, not its group. */
  signal(signal: NodeJS.Signals): void;
}

/** What a finished program left behind. */
export interface FinishedProcess extends ProcessEnd {
  readonly stdout: Buffer;
  readonly stderr: string;
}

const liveGroups = new Set<number>();
process.on('exit', () => {
  for (const pid of liveGroups) killGroup(pid, 'SIGKILL');
});

/** Starts a server in a process group of its own and captures what it writes. Rejects when it cannot be started. */
export async function startProcess(command: CommandLine, options: ProcessOptions = {}): Promise<RunningProcess> {
  const child = await spawnGroup(command, options);
  const { pid, ended } = child;
  const name = command[0];
  let written = '';
  const append = (chunk: Buffer) => {
    written += chunk.toString('utf8');
  };
  child.process.stdout?.on('data', append);
  child.process.stderr?.on('data', append);
  child.process.stdin?.end();
  let end: ProcessEnd | undefined;
  void ended.then((result) => {
    end = result;
  });

  const waitFor = async <T>(what: string, timeoutMs: number, look: () => T | undefined | Promise<T | undefined>) => {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (end !== undefined)
        throw new Error(`Cannot wait for ${what}: "${name}" ended with ${describe(end)}:\n${written}`);
      if (performance.now() > deadline)
        throw new Error(`Cannot wait for ${what}: ${timeoutMs} ms are over:\n${written}`);
      await delay(pollIntervalMs);
    }
  };

  return {
    pid,
    ended,
    output: () => written,
    waitForLine: (pattern, { timeoutMs = startTimeoutMs } = {}) =>
      waitFor(`a line like ${pattern}`, timeoutMs, () => written.split('\n').find((line) => pattern.test(line))),
    waitForPort: async (port, { host = '127.0.0.1', timeoutMs = startTimeoutMs } = {}) => {
      await waitFor(`port ${port}`, timeoutMs, async () => ((await isPortOpen(port, host)) ? true : undefined));
    },
    signal: (signal) => {
      child.process.kill(signal);
    },
    [Symbol.asyncDispose]: () => stopGroup(pid, ended),
  };
}

/**
 * Runs a program to its end. Rejects when it cannot be started, or takes longer than `timeoutMs`: then its group is
 * killed. Any exit code resolves.
 */
export async function runProcess(
  command: CommandLine,
  options: ProcessOptions & { readonly timeoutMs: number; readonly input?: string | Uint8Array },
): Promise<FinishedProcess> {
  const { process: child, pid, ended } = await spawnGroup(command, options);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
  // A program may end without reading its input; its exit code tells more than the broken pipe.
  child.stdin?.on('error', () => {});
  child.stdin?.end(options.input ?? '');
  let isTimedOut = false;
  const timer = setTimeout(() => {
    isTimedOut = true;
    killGroup(pid, 'SIGKILL');
  }, options.timeoutMs);
  const end = await ended;
  clearTimeout(timer);
  const finished = { ...end, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString('utf8') };
  if (isTimedOut) {
    throw new Error(`Cannot finish "${command[0]}": ${options.timeoutMs} ms are over: ${finished.stderr}`);
  }
  return finished;
}

/** Ports of an address that were free a moment ago. Somebody else may take one: the caller tries again with others. */
export async function findFreePorts(count: number, { host = '127.0.0.1' } = {}): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, host));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('Cannot find a free port: no TCP address');
    return address.port;
  });
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

interface SpawnedGroup {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<ProcessEnd>;
}

async function spawnGroup([name, ...args]: CommandLine, options: ProcessOptions): Promise<SpawnedGroup> {
  const child = spawn(name, args, { ...options, detached: true, stdio: 'pipe' });
  // `close` comes after `exit`, when the last output has been read.
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  await once(child, 'spawn');
  const { pid } = child;
  if (pid === undefined) throw new Error(`Cannot start "${name}": it has no process id`);
  liveGroups.add(pid);
  void ended.then(() => liveGroups.delete(pid));
  return { process: child, pid, ended };
}

async function stopGroup(pid: number, ended: Promise<ProcessEnd>): Promise<void> {
  killGroup(pid, 'SIGTERM');
  const timer = setTimeout(() => killGroup(pid, 'SIGKILL'), stopTimeoutMs);
  await ended;
  clearTimeout(timer);
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  // A group that has ended is no error: its number may even be another's already, so only live ones are signalled.
  if (!liveGroups.has(pid)) return;
  try {
    process.kill(-pid, signal);
  } catch {}
}

function isPortOpen(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    const settle = (isOpen: boolean) => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}

function describe({ code, signal }: ProcessEnd): string {
  return signal === null ? `exit code ${code}` : `signal ${signal}`;
}
