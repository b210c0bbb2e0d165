import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { type ProcessFacts, startPostern } from '../../src/commands/postern.ts';
import type { Config } from '../../src/config/config.ts';
import { embeddedConfig } from '../../src/config/embedded.ts';
import { InheritedSockets } from '../../src/net/inherited-sockets.ts';
import { createTestCertificates } from '../support/certificates.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { servePostern } from './postern-process.ts';
import { account } from './stage.ts';
import { eventually, expectFreeOf, inTime, startPosternUnderTest, writeConfiguration } from './support.ts';
import { connectGreeted, connectWireClient } from './wire-client.ts';
import { roomy, strict, WorkersStage, workerOf } from './workers-stage.ts';

describe('two workers', () => {
  it('share the clients of one address, one session list and one set of metrics', async () => {
    await using stage = await WorkersStage.start();
    const { postern, clients } = stage;

    await stage.reachBoth();

    await eventually(async () =>
      expect((await stage.sessions()).map(({ state }) => state)).toEqual(clients.map(() => 'transaction')),
    );
    expect(await postern.metric('postern_workers{state="running"}')).toBe(2);
    expect(await postern.metric('postern_worker_restarts_total')).toBe(0);
    expect(await postern.metric('postern_sessions{listener="starttls",state="transaction"}')).toBe(clients.length);
    expect(await postern.metric('postern_connections_total{listener="starttls"}')).toBe(clients.length);
    for (const client of clients) expect(await client.command('NOOP')).toMatch(/^\+OK/);
    expect(await postern.metric('postern_commands_total{command="NOOP"}')).toBe(clients.length);
    const octets = clients.length * 'NOOP\r\n'.length;
    expect(await postern.metric('postern_relayed_octets_total{direction="to_upstream"}')).toBe(octets);
    expect(await postern.metric('nodejs_heap_size_used_bytes')).toBeGreaterThan(0);
    expect(await postern.metric('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0);
  });

  it('count failed logins together', async () => {
    await using stage = await WorkersStage.start({
      script: { answer: strict },
      sections: 'limits: {perAddressAndAccount: {failures: 4, block: 60s}}',
    });
    await stage.reachBoth(() => stage.connect());
    while (stage.clients.length < 6) await stage.connect();
    // The last ones of each worker: those in between are of either.
    const [first, ...others] = stage.clients.splice(0);
    const last = others.pop();
    if (first !== undefined && last !== undefined) stage.clients.push(first, last, ...others);

    const answers = await stage.guess(['one', 'two', 'three', 'four', account.password]);

    expect(answers.slice(0, 4)).toEqual(Array.from({ length: 4 }, () => '-ERR [AUTH] Wrong password'));
    expect(answers[4]).toMatch(/^-ERR \[SYS\/TEMP\] Too many failed logins/);
    const blocks = Object(await (await stage.postern.ask('/api/v1/blocks')).json());
    expect(blocks.blocks).toMatchObject([{ subject: `${account.user} from 127.0.0.1` }]);
    expectFreeOf(stage.postern.logText(), [account.password]);
  });

  it('refuse a blocked address at accept, both of them', async () => {
    await using stage = await WorkersStage.start({
      script: { answer: strict },
      sections: 'limits: {perAddress: {failures: 2, block: 60s}, exempt: []}',
    });
    await stage.connect();
    await stage.connect();
    await stage.guess(['one', 'two']);
    await stage.postern.waitForLog('loginBlocked', { limit: 'perAddress' });

    for (let count = 0; count < 20; count += 1) {
      using client = await connectWireClient({ port: stage.postern.port('starttls') });
      expect(await client.readLine()).toMatch(/^-ERR \[SYS\/TEMP\] Too many failed logins/);
    }
  });

  it.each([
    ['maxPerAddress', 'Too many connections from your address', 'max_per_address'],
    ['maxTotal', 'Too many connections', 'max_total'],
  ])('let in as many as %s says, and take another for each that leaves', async (key, text, reason) => {
    await using stage = await WorkersStage.start({ sections: `sessions: {${key}: 12}` });
    const { postern, clients } = stage;
    const port = postern.port('starttls');
    const greetings = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const client = await connectWireClient({ port });
        clients.push(client);
        return client.readLine();
      }),
    );

    expect(greetings.filter((line) => line.startsWith('+OK'))).toHaveLength(12);
    expect(greetings.filter((line) => line.includes(text))).toHaveLength(28);
    expect(await postern.metric(`postern_connections_refused_total{listener="starttls",reason="${reason}"}`)).toBe(28);

    for (const client of clients.splice(0)) client[Symbol.dispose]();
    await eventually(async () => expect(await stage.sessions()).toEqual([]));
    for (let count = 0; count < 12; count += 1) await stage.connect();
    using refused = await connectWireClient({ port });
    expect(await refused.readLine()).toContain(text);
  });

  it('end a session for an operator, whichever of them serves it', async () => {
    await using stage = await WorkersStage.start();
    await stage.reachBoth();
    await eventually(async () => expect(await stage.sessions()).toHaveLength(stage.clients.length));
    const sessions = await stage.sessions();

    for (const { id } of sessions) {
      expect((await stage.postern.ask(`/api/v1/sessions/${id}`, 'DELETE')).status).toBe(204);
      await stage.postern.waitForLog('sessionClosed', { session: id, reason: 'ended_by_operator' });
    }

    await Promise.all(stage.clients.map((client) => client.closed()));
    await eventually(async () => expect(await stage.sessions()).toEqual([]));
  });

  it('resume the TLS sessions of each other', async () => {
    await using stage = await WorkersStage.start();
    const { ca } = stage.stage.certificates;
    const port = stage.postern.port('implicit');
    let session: Buffer | undefined;
    const served = new Set<string>();
    const handshake = async (): Promise<boolean> => {
      const socket = connect({ port, host: '127.0.0.1', ca, servername: 'localhost', ...(session && { session }) });
      const greeted = Promise.withResolvers<void>();
      const ticket = Promise.withResolvers<Buffer>();
      socket.once('data', () => greeted.resolve());
      socket.once('session', (given: Buffer) => ticket.resolve(given));
      socket.once('error', greeted.reject);
      await inTime('a greeting', greeted.promise);
      session ??= await inTime('a ticket', ticket.promise);
      await stage.postern.metric('postern_workers');
      for (const each of await stage.sessions()) served.add(workerOf(each));
      const isResumed = socket.isSessionReused();
      socket.destroy();
      return isResumed;
    };
    expect(await handshake()).toBe(false);

    for (let count = 0; count < 40 && served.size < 2; count += 1) expect(await handshake()).toBe(true);

    expect(served.size).toBe(2);
  });

  it('take over another configuration together, or neither', async () => {
    await using stage = await WorkersStage.start();
    const { postern } = stage;
    await stage.reachBoth();
    const { upstream, certificates } = stage.stage;
    const corp = `{name: corp, host: 127.0.0.1, port: ${upstream.port}, ca: ${certificates.caFile}, domains: [corp.test]}`;
    await using taken = await occupyPort();
    const listener = '- {name: lan, address: "127.0.0.1:0", tls: starttls, plaintextFrom: [127.0.0.0/8]}';

    await postern.reload({
      sections: `workers: 2\nupstreams: [${corp}]`,
      listeners: `\n  ${listener}\n  - {name: other, address: "127.0.0.1:${taken.port}", tls: starttls}\n`,
    });

    await postern.waitForLog('configurationRejected');
    expect(postern.logText()).toContain(`another program uses this port`);
    using before = await stage.stage.connect();
    expect(await before.command('QUIT')).toMatch(/^\+OK/);

    // Sessions that have just ended still count for a moment.
    const sections = `workers: 3\n${roomy}\nupstreams: [${corp}]`;
    await postern.reload({ sections, listeners: `\n  ${listener}\n` });

    const { needsRestart } = await postern.waitForLog('configurationReloaded');
    expect(needsRestart).toEqual(['workers: takes effect with a restart']);
    const port = postern.port('lan');
    await eventually(async () => {
      for (let count = 0; count < 10; count += 1) {
        using client = await connectGreeted({ port });
        expect(await client.logIn(account.user, account.password)).toMatch(/^\+OK/);
      }
    });
    for (const client of stage.clients) expect(await client.command('NOOP')).toMatch(/^\+OK/);
  });

  it('show a renewed certificate, both of them', async () => {
    await using stage = await WorkersStage.start();
    const { postern } = stage;
    const { wrongName: renewed } = stage.stage.certificates;
    await writeFile(join(postern.directory, 'fullchain.pem'), renewed.cert);
    await writeFile(join(postern.directory, 'key.pem'), renewed.key);
    await postern.waitForLog('certificateReloaded');

    await eventually(async () => {
      for (let count = 0; count < 10; count += 1) {
        const socket = connect({ port: postern.port('implicit'), host: '127.0.0.1', rejectUnauthorized: false });
        await inTime('a handshake', once(socket, 'secureConnect'));
        const { CN } = socket.getPeerCertificate().subject;
        socket.destroy();
        expect(CN).toBe('somewhere-else.test');
      }
    });
  });

  it('drain together', async () => {
    await using stage = await WorkersStage.start();
    const { postern, clients } = stage;
    await stage.reachBoth();

    const drained = postern.drain();

    await eventually(() =>
      expect(connectWireClient({ port: postern.port('starttls') })).rejects.toThrow('ECONNREFUSED'),
    );
    for (const client of clients) expect(await client.command('NOOP')).toMatch(/^\+OK/);
    for (const client of clients) client.end();
    await inTime('the drain', drained);
    expect(await stage.sessions()).toEqual([]);
    expect(postern.logged('sessionClosed', { reason: 'drained' })).toEqual([]);
  });
});

const handedOver = new InheritedSockets({ LISTEN_PID: '1', LISTEN_FDS: '1', LISTEN_FDNAMES: 'starttls' }, { pid: 1 });

describe('workers', () => {
  it('are not started on a port that another program has', async () => {
    await using taken = await occupyPort();
    await using certificates = await createTestCertificates();
    await expect(
      startPosternUnderTest({
        certificate: certificates.valid,
        listeners: `[{name: lan, address: "127.0.0.1:${taken.port}", tls: starttls}]`,
        sections: 'workers: 2',
      }),
    ).rejects.toThrow('another program uses this port');
  });

  it.each([
    ['a single executable', { startWorker: undefined }, 'a single executable has no threads of its own'],
    ['sockets of a service manager', { inheritedSockets: handedOver }, 'they cannot be shared'],
  ])('are an error with %s', async (_, facts, message) => {
    const config: Config = { ...embeddedConfig(), workers: 2 };
    const started = startPostern(config, {
      ...{ version: '0.0.0-test', runtime: 'test', isTerminal: false, useColour: false },
      logDestination: { write: () => {} },
      startWorker: () => {
        throw new Error('Cannot go on: a worker was started');
      },
      ...(facts as Partial<ProcessFacts>),
    });
    await expect(started).rejects.toThrow(message);
  });

  it('serve in a process of their own, and end with it', async () => {
    await using certificates = await createTestCertificates();
    await using directory = await createTemporaryDirectory('workers');
    const file = await writeConfiguration(directory.path, {
      certificate: certificates.valid,
      sections: 'workers: 2',
    });
    await using postern = await servePostern(file);
    using client = await connectGreeted({ port: postern.port('starttls') });
    expect(await client.command('CAPA')).toMatch(/^\+OK/);

    postern.process.signal('SIGTERM');

    await postern.waitForLog('draining');
    client.end();
    await postern.waitForLog('stopped');
  });
});

async function occupyPort(): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer();
  const listening = Promise.withResolvers<number>();
  server.listen({ port: 0, host: '127.0.0.1' }, () => listening.resolve(Object(server.address()).port));
  const port = await listening.promise;
  return {
    port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
