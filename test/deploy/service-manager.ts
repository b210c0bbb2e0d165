import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { eventually } from '../e2e/support.ts';
import type { CommandLine } from '../support/process.ts';
import { requireProgram } from '../support/programs.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';

const script = fileURLToPath(new URL('service-manager.py', import.meta.url));

interface Happening {
  readonly event: 'holding' | 'started' | 'told' | 'ended';
  readonly service?: string;
  readonly ports?: readonly number[];
  readonly pid?: number;
  readonly text?: string;
  readonly code?: number;
}

/** Holds listening sockets and starts services on them, as systemd does; its processes end with it. */
export interface ServiceManager extends AsyncDisposable {
  /** The port of a listener. */
  port(listener: string): number;
  start(service: string, command: CommandLine, environment?: Readonly<Record<string, string>>): Promise<void>;
  /** Signals the process of a service. */
  signal(service: string, signal: NodeJS.Signals): void;
  /** Resolves when a service has said this so often. */
  waitUntilTold(service: string, words: string, options?: { readonly times?: number }): Promise<void>;
  /** Resolves to the exit code; negative for a signal. */
  waitForEnd(service: string): Promise<number>;
  /** What the service has written. */
  output(service: string): Promise<string>;
}

/** Opens a listening socket on 127.0.0.1 for each listener. */
export async function startServiceManager(listeners: readonly string[]): Promise<ServiceManager> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await createTemporaryDirectory('services'));
  const python = spawn(requireProgram('python3'), [script, path, ...listeners], { stdio: ['pipe', 'pipe', 'inherit'] });
  const happened: Happening[] = [];
  createInterface({ input: python.stdout }).on('line', (line) => happened.push(JSON.parse(line)));
  stack.defer(async () => {
    for (const { pid } of running(happened)) process.kill(pid, 'SIGKILL');
    const ended = once(python, 'exit');
    python.kill('SIGKILL');
    await ended;
  });
  const waitFor = (what: string, matches: (happening: Happening) => boolean, times = 1): Promise<Happening> =>
    eventually(async () => {
      const found = happened.filter(matches)[times - 1];
      if (found === undefined) throw new Error(`Cannot see ${what}: ${JSON.stringify(happened)}`);
      return found;
    });
  const { ports = [] } = await waitFor('the sockets', ({ event }) => event === 'holding');
  const owned = stack.move();
  return {
    port: (listener) => ports[listeners.indexOf(listener)] ?? 0,
    start: async (service, command, environment = {}) => {
      python.stdin.write(`${JSON.stringify({ service, command, environment })}\n`);
      await waitFor(
        `the start of ${service}`,
        (happening) => happening.event === 'started' && happening.service === service,
      );
    },
    signal: (service, signal) => {
      const { pid } =
        happened.find((happening) => happening.event === 'started' && happening.service === service) ?? {};
      if (pid !== undefined) process.kill(pid, signal);
    },
    waitUntilTold: async (service, words, { times = 1 } = {}) => {
      const isIt = ({ event, service: by, text }: Happening): boolean =>
        event === 'told' && by === service && (text ?? '').includes(words);
      await waitFor(`"${words}" of ${service}`, isIt, times);
    },
    waitForEnd: async (service) => {
      const end = await waitFor(
        `the end of ${service}`,
        (happening) => happening.event === 'ended' && happening.service === service,
      );
      return end.code ?? 0;
    },
    output: (service) => readFile(join(path, `${service}.log`), 'utf8'),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function running(happened: readonly Happening[]): readonly { readonly pid: number }[] {
  const ended = new Set(happened.filter(({ event }) => event === 'ended').map(({ service }) => service));
  return happened.flatMap(({ event, service, pid }) =>
    event === 'started' && pid !== undefined && !ended.has(service) ? [{ pid }] : [],
  );
}
