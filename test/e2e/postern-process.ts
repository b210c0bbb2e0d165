import { fileURLToPath } from 'node:url';
import {
  type CommandLine,
  type FinishedProcess,
  type ProcessOptions,
  type RunningProcess,
  runProcess,
  startProcess,
} from '../support/process.ts';
import { mainFile as entryPoint, eventually } from './support.ts';

/** Postern's entry point. */
export const mainFile = fileURLToPath(entryPoint);
const runTimeoutMs = 15_000;

/** Runs a command of Postern to its end. */
export function runPostern(args: readonly string[], options: ProcessOptions = {}): Promise<FinishedProcess> {
  return runProcess([process.execPath, mainFile, ...args], { ...options, timeoutMs: runTimeoutMs });
}

/** A `postern serve` that is ready. */
export interface ServedPostern extends AsyncDisposable {
  readonly process: RunningProcess;
  port(listener: string): number;
  readonly adminPort: number;
  /** Resolves when a line of the log tells this event. */
  waitForLog(event: string): Promise<void>;
}

/** Starts `postern serve` on a configuration file, by default on this Node, and waits until it is ready. */
export async function servePostern(
  configuration: string,
  command: CommandLine = [process.execPath, mainFile],
): Promise<ServedPostern> {
  const server = await startProcess([...command, 'serve', '--config', configuration]);
  const ports = new Map<unknown, number>();
  const logged = (): { event?: unknown; listener?: unknown; address?: unknown }[] =>
    server
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
  try {
    await server.waitForLine(/"event":"ready"/);
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  for (const { listener, event, address } of logged()) {
    if (event !== 'listening' && event !== 'adminListening') continue;
    ports.set(listener ?? 'admin', Number(String(address).split(':').at(-1)));
  }
  return {
    process: server,
    port: (listener) => ports.get(listener) ?? 0,
    adminPort: ports.get('admin') ?? 0,
    waitForLog: (event) =>
      eventually(() => {
        if (!logged().some((line) => line.event === event))
          throw new Error(`Cannot find "${event}": ${server.output()}`);
      }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
