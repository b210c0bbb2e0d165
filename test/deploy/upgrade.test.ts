import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { setInterval as everyMs } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mainFile } from '../e2e/postern-process.ts';
import { type ScriptedUpstream, startScriptedUpstream } from '../e2e/scripted-upstream.ts';
import { writeConfiguration } from '../e2e/support.ts';
import { connectGreeted, connectWireClient, type WireClient } from '../e2e/wire-client.ts';
import { createTestCertificates, type TestCertificates } from '../support/certificates.ts';
import type { CommandLine } from '../support/process.ts';
import { program } from '../support/programs.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { type ServiceManager, startServiceManager } from './service-manager.ts';

const loginsPerSecond = 100;
const isSkipped = program('python3') === undefined || program('systemd-notify') === undefined;
const serving = 'READY=1';

describe.skipIf(isSkipped)('sockets that the service manager holds', () => {
  const stage = new AsyncDisposableStack();
  let certificates: TestCertificates;
  let upstream: ScriptedUpstream;
  let directory: string;
  let serve: CommandLine;

  beforeAll(async () => {
    certificates = stage.use(await createTestCertificates());
    directory = stage.use(await createTemporaryDirectory('upgrade')).path;
    upstream = stage.use(
      await startScriptedUpstream({
        tls: { ...certificates.valid, start: 'implicit' },
        answer: (line, { socket }) => {
          if (line !== 'QUIT') return undefined;
          setImmediate(() => socket.end());
          return '+OK\r\n';
        },
      }),
    );
    const file = await writeConfiguration(directory, {
      certificate: certificates.valid,
      sections: `
upstreams: [{name: corp, host: 127.0.0.1, port: ${upstream.port}, ca: ${certificates.caFile}, domains: [corp.test]}]
sessions: {maxPerAddress: 1000, drainTimeout: 5m}
limits: {loginsPerAddress: 1000, sessionsPerAccount: 100, exempt: [127.0.0.1]}`,
    });
    serve = [process.execPath, mainFile, 'serve', '--config', file];
  });
  afterAll(() => stage.disposeAsync());

  async function logIn(manager: ServiceManager, user: string): Promise<WireClient> {
    const client = await connectGreeted({ port: manager.port('starttls') });
    const reply = await client.logIn(user, 'open sesame');
    if (!reply.startsWith('+OK')) throw new Error(`Cannot log in: the answer is "${reply}"`);
    return client;
  }

  it('goes over to a new process under a hundred logins a second, and none is refused or cut', async () => {
    await using manager = await startServiceManager(['starttls', 'implicit']);
    await manager.start('old', serve);
    await manager.waitUntilTold('old', serving);
    const longSessions = await Promise.all(
      Array.from({ length: 20 }, (_, index) => logIn(manager, `long${index}@corp.test`)),
    );

    const load = startLoad((index) => logIn(manager, `user${index % 50}@corp.test`));
    await load.until(100);
    await manager.start('new', serve);
    await manager.waitUntilTold('new', serving);
    await load.until(load.started + 50);
    manager.signal('old', 'SIGTERM');
    await manager.waitUntilTold('old', 'STOPPING=1');
    await load.until(load.started + 150);
    await load.finish();

    expect(load.failures).toEqual([]);
    for (const client of longSessions) {
      expect(await client.command('NOOP')).toBe('+OK');
      expect(await client.command('QUIT')).toBe('+OK');
      await client.closed();
    }
    expect(await manager.waitForEnd('old')).toBe(0);
    // Nobody but the new process is left to have greeted this one.
    using last = await connectGreeted({ port: manager.port('implicit'), implicitTlsCa: certificates.ca });
    expect(await last.logIn('last@corp.test', 'open sesame')).toMatch(/^\+OK/);
  }, 90_000);

  it('keeps those who connect while the service is stopped until it is started again', async () => {
    await using manager = await startServiceManager(['starttls', 'implicit']);
    await manager.start('first', serve);
    await manager.waitUntilTold('first', serving);
    manager.signal('first', 'SIGTERM');
    await manager.waitForEnd('first');
    using patient = await connectWireClient({ port: manager.port('starttls') });
    await manager.start('second', serve);
    expect(await patient.readLine()).toMatch(/^\+OK/);
    expect(await patient.logIn('user@corp.test', 'open sesame')).toMatch(/^\+OK/);
  });

  it('is told again and again that the process lives, as its watchdog asks', async () => {
    await using manager = await startServiceManager(['starttls', 'implicit']);
    await manager.start('watched', serve, { WATCHDOG_USEC: '200000' });
    await manager.waitUntilTold('watched', 'WATCHDOG=1', { times: 3 });
  });

  it('ends the start with what is wrong where a socket is for no listener', async () => {
    await using manager = await startServiceManager(['starttls', 'pop3s']);
    await manager.start('wrong', serve);
    expect(await manager.waitForEnd('wrong')).toBe(78);
    expect(await manager.output('wrong')).toContain(
      'Cannot use the socket "pop3s" that was handed over: no listener has this name',
    );
  });

  it('ends the start where a socket is bound elsewhere than the configuration says', async () => {
    const file = await writeConfiguration(await mkdtemp(join(directory, 'elsewhere-')), {
      certificate: certificates.valid,
      listeners: '[{name: starttls, address: "127.0.0.1:110", tls: starttls}]',
      sections: '',
    });
    await using manager = await startServiceManager(['starttls']);
    await manager.start('elsewhere', [process.execPath, mainFile, 'serve', '--config', file]);
    expect(await manager.waitForEnd('elsewhere')).toBe(1);
    expect(await manager.output('elsewhere')).toContain(
      `Cannot listen on 127.0.0.1:110 (starttls): the socket handed over under this name is bound to 127.0.0.1:${manager.port('starttls')}`,
    );
  });
});

/** Logs in and out at a steady rate, each login on a connection of its own, and keeps what went wrong. */
function startLoad(logIn: (index: number) => Promise<WireClient>) {
  const failures: string[] = [];
  const sessions: Promise<void>[] = [];
  const stop = new AbortController();
  const run = async (): Promise<void> => {
    const startedAtMs = performance.now();
    for await (const _ of everyMs(10)) {
      if (stop.signal.aborted) return;
      // A timer that is late on a busy machine is made up for.
      const due = ((performance.now() - startedAtMs) / 1000) * loginsPerSecond;
      while (sessions.length < due) sessions.push(session(sessions.length));
    }
  };
  const session = async (index: number): Promise<void> => {
    try {
      using client = await logIn(index);
      if ((await client.command('STAT')) !== '+OK') throw new Error('Cannot go on: STAT is refused');
      if ((await client.command('QUIT')) !== '+OK') throw new Error('Cannot go on: QUIT is refused');
    } catch (error) {
      failures.push(`login ${index}: ${error instanceof Error ? error.message : error}`);
    }
  };
  const running = run();
  return {
    failures,
    get started(): number {
      return sessions.length;
    },
    /** Resolves when so many logins have begun. */
    until: async (count: number): Promise<void> => {
      for await (const _ of everyMs(10)) if (sessions.length >= count) return;
    },
    finish: async (): Promise<void> => {
      stop.abort();
      await running;
      await Promise.all(sessions);
    },
  };
}
