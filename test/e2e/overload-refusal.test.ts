import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createTestCertificates } from '../support/certificates.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { servePostern } from './postern-process.ts';
import { startScriptedUpstream } from './scripted-upstream.ts';
import { startStage } from './stage.ts';
import { eventually, startPosternUnderTest, writeConfiguration } from './support.ts';
import { connectGreeted, connectWireClient } from './wire-client.ts';

const tooBusy = '-ERR [SYS/TEMP] This server is too busy. Please try again in a few minutes\r\n';

/** Makes a turn of this process's event loop take that long. */
function holdUp(turnMs: number): void {
  const endMs = performance.now() + turnMs;
  while (performance.now() < endMs);
}

describe('a Postern that is late', () => {
  it('refuses new connections, serves those that are in, and tells, until it is in time again', async () => {
    await using stage = await startStage({ sections: 'sessions: {maxEventLoopDelay: 200ms}' });
    const { postern } = stage;
    using session = await stage.logIn();
    expect(await postern.metric('postern_overloaded')).toBe(0);

    const logged = (event: string): number => postern.logText().split(`"event":"${event}"`).length - 1;
    while (logged('overloaded') === 0) {
      holdUp(300);
      await nextTurn();
    }
    // Often enough that it does not end meanwhile, however long the rest of this takes.
    const trouble = setInterval(() => holdUp(150), 700);
    using _end = { [Symbol.dispose]: () => clearInterval(trouble) };

    using plain = await connectWireClient({ port: postern.port('starttls') });
    using implicit = await connectWireClient({ port: postern.port('implicit') });
    expect(await plain.closed()).toBe(tooBusy);
    expect(await implicit.closed()).toBe('');
    expect(await session.command('NOOP')).toBe('+OK');
    expect(await postern.metric('postern_overloaded')).toBe(1);
    const ready = await postern.ask('/readyz');
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ checks: { overload: { status: 'fail' } } });
    expect((await postern.ask('/healthz')).status).toBe(200);
    for (const listener of ['starttls', 'implicit']) {
      const series = `postern_connections_refused_total{listener="${listener}",reason="overloaded"}`;
      expect(await postern.metric(series)).toBe(1);
    }

    clearInterval(trouble);
    await eventually(async () => expect((await postern.ask('/readyz')).status).toBe(200));
    using another = await stage.logIn();
    expect(await another.command('NOOP')).toBe('+OK');
    expect(logged('overloaded')).toBe(1);
  });
});

describe('a Postern whose memory is used up', () => {
  it.each([1, 2])('lets as many in as fit, and others as soon as those leave (workers: %i)', async (workers) => {
    await using stack = new AsyncDisposableStack();
    const certificates = stack.use(await createTestCertificates());
    const postern = stack.use(
      await startPosternUnderTest({
        sections: `workers: ${workers}`,
        certificate: certificates.valid,
        // Less than any process takes: nobody fits, but one is let in all the same.
        change: (config) => ({ ...config, sessions: { ...config.sessions, maxMemory: { octets: 1 } } }),
      }),
    );
    const port = postern.port('starttls');

    using first = await connectGreeted({ port });
    await eventually(async () => expect(await postern.metric('postern_overloaded')).toBe(1));
    using second = await connectWireClient({ port });
    expect(await second.closed()).toBe(tooBusy);
    expect(postern.logText()).toContain('"event":"overloaded","cause":"memory"');

    expect(await first.command('QUIT')).toBe('+OK Bye');
    await eventually(async () => expect(await postern.metric('postern_overloaded')).toBe(0));
    using third = await connectGreeted({ port });
    expect(await third.command('QUIT')).toBe('+OK Bye');
  });
});

describe.skipIf(process.platform !== 'linux')('a Postern that may have few files open', () => {
  it('lets in no more sessions than it has files for, says so, and logs all of them in', async () => {
    await using stack = new AsyncDisposableStack();
    const certificates = stack.use(await createTestCertificates());
    const upstream = stack.use(await startScriptedUpstream({ tls: { ...certificates.valid, start: 'implicit' } }));
    const { path } = stack.use(await createTemporaryDirectory('files'));
    const corp = `{name: corp, host: 127.0.0.1, port: ${upstream.port}, ca: ${certificates.caFile}, domains: [corp.test]}`;
    const configuration = await writeConfiguration(path, {
      certificate: certificates.valid,
      sections: `upstreams: [${corp}]\nsessions: {maxPerAddress: 1000}\nlimits: {loginsPerAddress: 1000}`,
    });
    const main = new URL('../../src/main.ts', import.meta.url).pathname;
    const limited = ['sh', '-c', 'ulimit -n 200; exec "$@"', 'sh', process.execPath, main] as const;
    const postern = stack.use(await servePostern(configuration, limited));
    await postern.waitForLog('filesTooFew');
    const port = postern.port('starttls');

    const clients = await Promise.all(
      Array.from({ length: 300 }, async () => stack.use(await connectWireClient({ port }))),
    );
    const lines = await Promise.all(clients.map((client) => client.readLine()));

    const isIn = lines.map((line) => line.startsWith('+OK'));
    // (200 files − 100 for the process − 64 ready connections) ÷ 2
    expect(isIn.filter(Boolean)).toHaveLength(18);
    expect(new Set(lines.filter((_, index) => !isIn[index]))).toEqual(
      new Set(['-ERR [SYS/TEMP] Too many connections. Please try again later']),
    );
    const inside = clients.filter((_, index) => isIn[index]);
    const answers = await Promise.all(inside.map((client, index) => client.logIn(`u${index}@corp.test`, 'secret')));
    expect(answers.filter((answer) => !answer.startsWith('+OK'))).toEqual([]);
    for (const client of clients) client[Symbol.dispose]();
    await eventually(async () => {
      using late = await connectGreeted({ port });
      expect(await late.logIn('late@corp.test', 'secret')).toMatch(/^\+OK/);
    });
  });
});
