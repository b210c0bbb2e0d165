import { randomBytes } from 'node:crypto';
import type { IssuedCertificate } from '../../src/net/certificate-authority.ts';
import type { UpstreamCounts, UpstreamPorts, UpstreamRequest } from './jobs.ts';
import { startWorker, type Worker } from './worker.ts';

const file = new URL('upstream-server.ts', import.meta.url);

/** So that the upstream waits for the proxy, and not the other way round. */
const defaultProcesses = 2;

/** To listen or to count takes no time; a process that is not there does. */
const timeoutMs = 15_000;

/** The mail server behind the proxies: one port for TLS and one without, several processes. */
export interface Upstream extends UpstreamPorts, AsyncDisposable {
  /** What all processes have seen since the last call. */
  takeCounts(): Promise<UpstreamCounts>;
}

/** Starts the upstream. Its processes end with this one, and when `signal` aborts. */
export async function startUpstream(
  { cert, key }: IssuedCertificate,
  { processes = defaultProcesses, signal }: { readonly processes?: number; readonly signal: AbortSignal },
): Promise<Upstream> {
  await using stack = new AsyncDisposableStack();
  const ticketKeys = randomBytes(48).toString('base64');
  const workers: Worker<UpstreamRequest, UpstreamCounts | UpstreamPorts>[] = [];
  let ports: UpstreamPorts = { port: 0, plaintextPort: 0 };
  for (let started = 0; started < processes; started += 1) {
    const worker = stack.use(await startWorker<UpstreamRequest, UpstreamCounts | UpstreamPorts>(file, { signal }));
    const answer = await worker.ask({ kind: 'listen', setup: { ...ports, cert, key, ticketKeys } }, { timeoutMs });
    if ('port' in answer) ports = answer;
    workers.push(worker);
  }
  const owned = stack.move();
  return {
    ...ports,
    takeCounts: async () => {
      const answers = await Promise.all(workers.map((worker) => worker.ask({ kind: 'takeCounts' }, { timeoutMs })));
      const counts = answers.filter((answer) => 'connections' in answer);
      return {
        connections: counts.reduce((sum, { connections }) => sum + connections, 0),
        resumed: counts.reduce((sum, { resumed }) => sum + resumed, 0),
      };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
