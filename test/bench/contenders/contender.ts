import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type CommandLine,
  findFreePorts,
  type ProcessOptions,
  type RunningProcess,
  startProcess,
} from '../../support/process.ts';

/** Ports found free may be taken before a server binds them; more than this is another trouble. */
const startAttempts = 5;

/** The files that all proxies are configured with. */
export interface BenchFiles {
  readonly directory: string;
  /** What certificates are verified with. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** What a proxy is started for. */
export interface Assignment {
  readonly files: BenchFiles;
  readonly upstreamPort: number;
  /** The same upstream in the clear, for a proxy that cannot do better. */
  readonly plaintextUpstreamPort: number;
  /** Called with its ports, right before its process starts. */
  readonly onStart?: (ports: readonly number[]) => void;
  /** What its process is run under; it is then tens of times slower. */
  readonly under?: readonly string[];
  /** Where Postern leaves a CPU profile when it ends. */
  readonly profileDirectory?: string | undefined;
}

/** A proxy that is up. Disposing ends all its processes. */
export interface RunningContender extends AsyncDisposable {
  /** The top of the process tree whose CPU is counted; absent: there is nothing between client and upstream. */
  readonly pid?: number;
  /** A server beside it that it uses; counted apart. */
  readonly companion?: { readonly name: string; readonly pid: number };
  /** Absent: it does not speak TLS to clients. */
  readonly implicitPort?: number;
  /** Absent: it cannot be asked in the clear. */
  readonly plaintextPort?: number;
  /** The one group that it exchanges keys with clients by; default: that of the others. */
  readonly ecdhCurve?: string;
}

/** A proxy, or what stands in for one. */
export interface Contender {
  readonly name: string;
  /** What its column is headed with, where its name alone would promise too much. */
  readonly heading?: string;
  /** More idle sessions than this are not asked of it: it has a process or a thread for each. */
  readonly maxIdleSessions?: number;
  /** Whether it is one process that can be run under another program, which looks on. */
  readonly isObservable?: boolean;
  /** One line: version and what it was told to be. Undefined where it is not installed. */
  describe(): Promise<string | undefined>;
  start(assignment: Assignment): Promise<RunningContender>;
}

/** Until a server accepts connections, and until one does that is looked on at. */
const startTimeoutMs = { usual: 15_000, observed: 120_000 } as const;

/** Starts a server with as many files and sockets as may be had. */
export function startServer([name, ...args]: CommandLine, options: ProcessOptions = {}): Promise<RunningProcess> {
  const raised = ['/bin/sh', '-c', 'ulimit -n "$(ulimit -Hn)"; exec "$0" "$@"', name] as const;
  return startProcess([...raised, ...args], options);
}

/** Starts a server on free ports and waits until the first of them accepts connections. Tries again when one was taken. */
export async function startOnFreePorts(
  count: number,
  start: (ports: readonly number[]) => Promise<RunningProcess>,
  { under }: Pick<Assignment, 'under'> = {},
): Promise<{ readonly server: RunningProcess; readonly ports: readonly number[] }> {
  const timeoutMs = under === undefined ? startTimeoutMs.usual : startTimeoutMs.observed;
  for (let attempt = 1; ; attempt += 1) {
    const ports = await findFreePorts(count);
    const server = await start(ports);
    try {
      for (const port of ports) await server.waitForPort(port, { timeoutMs });
      return { server, ports };
    } catch (error) {
      await server[Symbol.asyncDispose]();
      if (attempt === startAttempts || !/in use|cannot bind/i.test(server.output())) throw error;
    }
  }
}

/** Starts a proxy that is one server: on the first port it speaks TLS to clients, on the second it is asked in the clear. */
export async function startOnBothPorts(
  start: (ports: readonly number[]) => Promise<RunningProcess>,
  assignment?: Pick<Assignment, 'under'>,
): Promise<RunningContender> {
  const { server, ports } = await startOnFreePorts(2, start, assignment);
  const [implicitPort = 0, plaintextPort = 0] = ports;
  return { pid: server.pid, implicitPort, plaintextPort, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** Writes certificate and keys where every proxy finds them. */
export async function writeBenchFiles(
  directory: string,
  { ca, cert, key }: { readonly ca: string; readonly cert: string; readonly key: string },
): Promise<BenchFiles> {
  const write = async (name: string, text: string): Promise<string> => {
    await writeFile(join(directory, name), text, { mode: 0o600 });
    return join(directory, name);
  };
  return {
    directory,
    ca: await write('ca.pem', ca),
    cert: await write('cert.pem', cert),
    key: await write('key.pem', key),
  };
}
