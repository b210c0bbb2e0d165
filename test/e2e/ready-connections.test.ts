import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestCertificates, type TestCertificates } from '../support/certificates.ts';
import { startDovecot } from '../support/dovecot.ts';
import { program } from '../support/programs.ts';
import { startFarRoad } from './far-road.ts';
import { type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';
import { eventually, expectFreeOf, inTime, type PosternUnderTest, startPosternUnderTest } from './support.ts';
import { connectGreeted } from './wire-client.ts';

const user = 'user@corp.test';
const password = 'pl4nted s3cret';
const messages = ['Subject: one\r\n\r\nplain\r\n', 'Subject: two\r\n\r\n.dots\r\n..\r\nand \xe9\xff octets\r\n'];
const ready = 'postern_upstream_ready{upstream="corp"}';
const total = (outcome: string): string => `postern_upstream_ready_total{upstream="corp",outcome="${outcome}"}`;

let certificates: TestCertificates;
beforeAll(async () => {
  certificates = await createTestCertificates();
});
afterAll(() => certificates?.[Symbol.asyncDispose]());

interface Place {
  readonly port: number;
  readonly tls?: 'implicit' | 'starttls';
}

const corpAt = ({ port, tls = 'implicit' }: Place): string =>
  `upstreams: [{name: corp, host: 127.0.0.1, port: ${port}, tls: ${tls}, ca: ${certificates.caFile}, domains: [corp.test]}]`;

const startPostern = (place: Place): Promise<PosternUnderTest> =>
  startPosternUnderTest({ sections: corpAt(place), certificate: certificates.valid });

/** A scripted upstream, and the far port that it is reached by. */
type FarUpstream = Pick<ScriptedUpstream, 'port' | 'connections'> & AsyncDisposable;

/** Logs in, fetches the whole maildrop and leaves. */
async function poll(port: number): Promise<string> {
  using client = await connectGreeted({ port });
  expect(await client.logIn(user, password)).toMatch(/^\+OK/);
  const mail = [await client.command('STAT')];
  for (const number of [1, 2]) mail.push(...(await client.multilineCommand(`RETR ${number}`)));
  mail.push(await client.command('QUIT'));
  return mail.join('\r\n');
}

/** Logs in so often that the fourth login makes a connection that is held ready. */
async function warm(postern: PosternUnderTest, { earlierLogins = 0 } = {}): Promise<void> {
  for (let count = earlierLogins; count < 4; count += 1) {
    using client = await connectGreeted({ port: postern.port('starttls') });
    expect(await client.logIn(user, password)).toMatch(/^\+OK/);
  }
  await eventually(async () => expect(await postern.metric(ready)).toBe(1));
}

describe.skipIf(!program('dovecot'))('polls of a Dovecot', () => {
  it.each(['implicit', 'starttls'] as const)('over %s find connections ready, and the same mail', async (tls) => {
    await using dovecot = await startDovecot({
      users: { [user]: password },
      mail: { [user]: messages.map((message) => Buffer.from(message, 'latin1')) },
      tls: certificates.valid,
      address: '127.0.0.1',
    });
    const port = tls === 'implicit' ? dovecot.pop3sPort : dovecot.pop3Port;
    await using road = await startFarRoad(port, { roundTripMs: 40 });
    await using postern = await startPostern({ port: road.port, tls });
    const first = await poll(postern.port('starttls'));
    await warm(postern, { earlierLogins: 1 });
    const before = postern.logged('upstreamConnected').length;
    for (let count = 1; count <= 5; count += 1) {
      expect(await poll(postern.port('starttls'))).toBe(first);
      await eventually(async () => expect(await postern.metric(ready)).toBe(1));
      expect(await postern.metric(total('used'))).toBe(count);
    }

    const connections = postern.logged('upstreamConnected').slice(before);
    expect(connections).toHaveLength(5);
    for (const connection of connections) {
      expect(connection).toMatchObject({ durationMs: 0, readyForMs: expect.any(Number), version: 'TLSv1.3' });
    }
    // Each was made once, and by the time of its own: one a login, and the one that waits.
    expect(postern.logged('readyConnectionMade')).toHaveLength(6);
    const connects = await postern.metric('postern_upstream_connect_seconds_count{upstream="corp"}');
    expect(connects).toBe(before + 6);
    expect((await dovecot.maildir(user)).map((octets) => octets.toString('latin1'))).toEqual(messages);
    expectFreeOf(postern.logText(), [password]);
  });
});

describe('a connection that waits', () => {
  async function serve(): Promise<FarUpstream> {
    await using stack = new AsyncDisposableStack();
    const { port, connections } = stack.use(
      await startScriptedUpstream({ tls: { ...certificates.valid, start: 'implicit' } }),
    );
    const road = stack.use(await startFarRoad(port, { roundTripMs: 40 }));
    const owned = stack.move();
    return { port: road.port, connections, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  }

  it('is closed when a reload changes its upstream, and stays when it does not', async () => {
    await using first = await serve();
    await using second = await serve();
    await using postern = await startPostern(first);
    await warm(postern);
    const waiting = first.connections.at(-1);
    await postern.reload({ sections: `${corpAt(first)}\nsessions: {maxTotal: 77}` });
    expect(await postern.metric(ready)).toBe(1);
    await postern.reload({ sections: corpAt(second) });
    expect(await postern.metric(ready)).toBe(0);
    expect(await postern.metric(total('discarded'))).toBe(1);
    expect(await inTime('the end', waiting?.ended ?? Promise.reject())).toBe('end');
    expect(waiting?.lines).toEqual([]);
  });

  it('is no more made once a reload has turned them off', async () => {
    await using upstream = await serve();
    await using postern = await startPostern(upstream);
    await warm(postern);
    await postern.reload({ sections: `${corpAt(upstream)}\nsessions: {readyConnections: 0}` });
    using client = await connectGreeted({ port: postern.port('starttls') });
    expect(await client.logIn(user, password)).toMatch(/^\+OK/);
    expect(postern.logged('upstreamConnected').at(-1)).not.toHaveProperty('readyForMs');
    expect(postern.logged('readyConnectionMade')).toHaveLength(1);
  });

  it('is closed by a drain, while sessions go on', async () => {
    await using upstream = await serve();
    await using postern = await startPostern(upstream);
    await warm(postern);
    const waiting = upstream.connections.at(-1);
    using client = await connectGreeted({ port: postern.port('starttls') });
    const drained = postern.drain();
    expect(await inTime('the end', waiting?.ended ?? Promise.reject())).toBe('end');
    expect(await client.logIn(user, password)).toMatch(/^\+OK/);
    expect(upstream.connections.at(-1)).not.toBe(waiting);
    client.end();
    await inTime('the drain', drained);
    expect(await postern.metric(ready)).toBe(0);
  });

  it('is closed when Postern ends', async () => {
    await using upstream = await serve();
    const postern = await startPostern(upstream);
    await warm(postern);
    await postern[Symbol.asyncDispose]();
    expect(await inTime('the end', upstream.connections.at(-1)?.ended ?? Promise.reject())).toBe('end');
  });
});
