import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority } from '../../src/net/certificate-authority.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { type RunningContender, writeBenchFiles } from './contenders/contender.ts';
import { createPostern } from './contenders/postern.ts';
import { certificateNames, type Job, type JobResult, type Target } from './jobs.ts';
import { countSocketWrites, type SocketWrites } from './socket-writes.ts';
import { mayTrace, traceWrites } from './tracers.ts';
import { startUpstream, type Upstream } from './upstream.ts';
import { startWorker, type Worker } from './worker.ts';

const generatorFile = new URL('load-generator.ts', import.meta.url);
const timeoutMs = 20_000;
const sessions = 20;
/** Sessions until TLS sessions are remembered, and what an upstream can do. */
const warmUpSessions = 10;
/** Connections made ahead of their logins would be counted with whichever session is under way. */
const upstreamKeys = { readyConnections: 0 };

/** Where strace is not installed, or may not look at other processes, there is nothing to count. */
const canTrace = await mayTrace();
if (!canTrace) console.log('skipped: writes per poll of Postern (strace is not installed, or not permitted)');

describe('countSocketWrites', () => {
  it('tells the legs apart and counts no files', () => {
    const trace = `7 write(21<TCP:[127.0.0.1:1995->127.0.0.1:40000]>, ""..., 90) = 90
7 writev(22<TCP:[127.0.0.1:40001->127.0.0.1:995]>, [{iov_base=""..., iov_len=5}], 1) = 5
7 write(23<TCP:[127.0.0.1:40002->127.0.0.1:6379]>, ""..., 90) = 90
8 write(17</tmp/postern.log>, ""..., 300) = 300
8 <... write resumed>) = 300
`;
    expect(countSocketWrites(trace, { listenPort: 1995, upstreamPort: 995 })).toEqual({
      client: 1,
      upstream: 1,
      other: 1,
    });
  });
});

/** Times are noise on a machine that does other work; how often the kernel is asked to send is not. */
describe.skipIf(!canTrace)('writes per poll of Postern', () => {
  const stack = new AsyncDisposableStack();
  let upstream: Upstream;
  let generator: Worker<Job, JobResult>;
  let postern: RunningContender;
  let directory: string;
  let ca: string;

  beforeAll(async () => {
    const ended = new AbortController();
    stack.defer(() => ended.abort());
    ({ path: directory } = stack.use(await createTemporaryDirectory('writes')));
    const authority = await createAuthority({ name: 'Writes' });
    const issued = await authority.issue({ names: certificateNames });
    ca = authority.certificate;
    const files = await writeBenchFiles(directory, { ca, ...issued });
    upstream = stack.use(await startUpstream(issued, { processes: 1, signal: ended.signal }));
    generator = stack.use(await startWorker<Job, JobResult>(generatorFile, { signal: ended.signal }));
    const { port: upstreamPort, plaintextPort: plaintextUpstreamPort } = upstream;
    const assignment = { files, upstreamPort, plaintextUpstreamPort };
    postern = stack.use(await createPostern({ name: 'postern', upstreamKeys }).start(assignment));
  });

  afterAll(() => stack.disposeAsync());

  async function writesPerSession(target: Target): Promise<SocketWrites> {
    const poll = (count: number) =>
      generator.ask(
        { kind: 'poll', sessions: count, concurrency: 1, isResuming: false, target, timeoutMs },
        { timeoutMs },
      );
    await poll(warmUpSessions);
    const file = join(directory, `${target.transport}.trace`);
    const trace = await traceWrites(postern.pid ?? 0, { file, during: () => poll(sessions) });
    const {
      client,
      upstream: up,
      other,
    } = countSocketWrites(trace ?? '', {
      listenPort: target.port,
      upstreamPort: upstream.port,
    });
    return { client: client / sessions, upstream: up / sessions, other: other / sessions };
  }

  it.each([
    // A greeting and six replies.
    ['in the clear', 'plaintext', 7],
    // And the server's half of a handshake, and its tickets.
    ['with TLS', 'implicit', 9],
  ] as const)('are no more than replies and handshakes take, %s', async (_name, transport, toClient) => {
    const port = (transport === 'implicit' ? postern.implicitPort : postern.plaintextPort) ?? 0;
    const writes = await writesPerSession({ port, transport, ca });
    expect(writes.client).toBeLessThanOrEqual(toClient);
    expect(writes.client).toBeGreaterThan(0);
    // The client's half of a handshake in two, CAPA, AUTH, and one for each of the client's four commands.
    expect(writes.upstream).toBeLessThanOrEqual(8);
    expect(writes.upstream).toBeGreaterThan(0);
  });
});
