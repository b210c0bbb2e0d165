import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { maxReadyAgeMs } from '../../src/policy/ready-connections.ts';
import type { Upstream } from '../../src/policy/upstream.ts';
import type { Script, ScriptedUpstream } from '../e2e/scripted-upstream.ts';
import { loginsThatWarm, ReadyUnderTest, until } from './ready-under-test.ts';
import { credentials, plainCapabilities, UpstreamTest } from './upstream-under-test.ts';

const tested = new UpstreamTest();
let dialer = new ReadyUnderTest();
beforeAll(() => tested.start());
beforeEach(() => {
  dialer = new ReadyUnderTest();
});
afterEach(async () => {
  vi.useRealTimers();
  dialer[Symbol.dispose]();
  await tested.reset();
});
afterAll(() => tested.stop());

const none = { used: 0, expired: 0, broken: 0, discarded: 0 };
const login = `AUTH PLAIN ${Buffer.from(`\0${credentials.username}\0${credentials.password}`, 'latin1').toString('base64')}`;

/** A server that takes AUTH PLAIN, and its upstream. */
async function servePlain(change: Partial<Script> = {}): Promise<{ server: ScriptedUpstream; upstream: Upstream }> {
  const server = await tested.serve({
    ...tested.implicit(),
    answer: (line) => (line === 'CAPA' ? plainCapabilities : undefined),
    ...change,
  });
  return { server, upstream: tested.upstreamAt(server.port) };
}

/** The same, where the connections from the fourth on are greeted so; behind the list's end as usual. */
async function serveGreeting(greetings: readonly (string | undefined)[]) {
  let count = -loginsThatWarm;
  const server = await tested.serve({
    ...tested.implicit(),
    answer: (line) => (line === 'CAPA' ? plainCapabilities : undefined),
    get greeting() {
      count += 1;
      return greetings[count - 1] ?? '+OK Scripted\r\n';
    },
  });
  return { server, upstream: tested.upstreamAt(server.port) };
}

describe('a login', () => {
  it.each(['implicit', 'starttls'] as const)('begins with the password on a ready connection over %s', async (tls) => {
    const start = tls === 'implicit' ? tested.implicit() : tested.stls();
    const { server, upstream: implicit } = await servePlain({
      ...start,
      answer: (line) => (line === 'CAPA' ? plainCapabilities.replace('USER', 'STLS') : undefined),
    });
    const upstream = { ...implicit, tls };
    await dialer.warm(upstream);
    dialer.nowMs = 700;
    const [made] = dialer.events;
    const before = server.connections.length;
    expect(await dialer.logIn(upstream)).toMatchObject({ kind: 'accepted' });

    expect(server.connections[before - 1]?.lines.at(-1)).toBe(login);
    expect(server.connections[before - 1]?.lines.filter((line) => line.startsWith('AUTH'))).toHaveLength(1);
    expect(made).toMatchObject({ kind: 'readyConnectionMade', upstream: 'sandbox', upstreamAddress: '127.0.0.1' });
    expect(dialer.connected.at(-1)).toEqual({
      address: '127.0.0.1',
      tls: expect.objectContaining({ version: 'TLSv1.3' }),
      durationMs: 0,
      readyForMs: 700,
    });
    await until(() => dialer.counts(upstream)?.ready === 1);
    expect(dialer.counts(upstream)).toEqual({ upstream: 'sandbox', ready: 1, ...none, used: 1 });
    expect(server.connections).toHaveLength(before + 1);
  });

  it('takes each ready connection once', async () => {
    const { server, upstream } = await servePlain();
    await dialer.warm(upstream);
    await Promise.all([1, 2, 3].map(() => dialer.logIn(upstream)));
    await until(() => dialer.counts(upstream)?.ready === 1);
    const logins = server.connections.map(({ lines }) => lines.filter((line) => line === login).length);
    expect(Math.max(...logins)).toBe(1);
    expect(logins.filter((count) => count === 1)).toHaveLength(loginsThatWarm + 3);
  });

  it('sends USER and PASS where the server takes no AUTH PLAIN', async () => {
    const { server, upstream } = await servePlain({ answer: () => undefined });
    await dialer.warm(upstream);
    const ready = server.connections.at(-1);
    expect(await dialer.logIn(upstream)).toMatchObject({ kind: 'accepted' });
    expect(ready?.lines).toEqual([`USER ${credentials.username}`, expect.stringMatching(/^PASS open s/)]);
  });

  it('that is refused on a ready connection is refused, and not tried again', async () => {
    let reply = '+OK\r\n';
    const answer = (line: string): string => (line === 'CAPA' ? plainCapabilities : reply);
    const { server, upstream } = await servePlain({ answer });
    await dialer.warm(upstream);
    reply = '-ERR [AUTH] No\r\n';
    expect(await dialer.logIn(upstream)).toMatchObject({ kind: 'refused', reply: { code: 'AUTH' } });
    await until(() => dialer.counts(upstream)?.ready === 1);
    expect(server.connections.flatMap(({ lines }) => lines).filter((line) => line === login)).toHaveLength(
      loginsThatWarm + 1,
    );
    expect(dialer.counts(upstream)).toMatchObject({ used: 1, broken: 0 });
  });

  it('does not wait for a connection that is greeted late; the next one finds it', async () => {
    const { server, upstream } = await serveGreeting(['']);
    for (let count = 0; count < loginsThatWarm; count += 1) await dialer.logIn(upstream);
    const late = await server.connection(loginsThatWarm);
    expect(await dialer.logIn(upstream)).toMatchObject({ kind: 'accepted' });
    expect(dialer.connected.at(-1)).not.toHaveProperty('readyForMs');
    late.send('+OK Scripted\r\n');
    await until(() => dialer.counts(upstream)?.ready === 1);
    await dialer.logIn(upstream);
    expect(late.lines).toEqual([login]);
  });

  it('of a client that is gone takes none', async () => {
    const { upstream } = await servePlain();
    await dialer.warm(upstream);
    expect(await dialer.logIn(upstream, AbortSignal.abort())).toMatchObject({ kind: 'failed' });
    expect(dialer.counts(upstream)).toMatchObject({ ready: 1, used: 0 });
  });
});

describe('none is made', () => {
  it('any more where connecting turns out to take no time', async () => {
    const { upstream } = await servePlain();
    for (let count = 0; count < 30; count += 1) await dialer.logIn(upstream);
    const made = dialer.events.length;
    for (let count = 0; count < 10; count += 1) await dialer.logIn(upstream);
    expect(dialer.events).toHaveLength(made);
    expect(dialer.connected.slice(-5).every(({ readyForMs }) => readyForMs === undefined)).toBe(true);
  });

  it('for an upstream with less than three logins at a time', async () => {
    const { server, upstream } = await servePlain();
    for (let count = 0; count < 5; count += 1) {
      await dialer.logIn(upstream);
      await dialer.logIn(upstream);
      dialer.nowMs += 120_000;
    }
    expect(server.connections).toHaveLength(10);
    expect(dialer.counts(upstream)).toEqual({ upstream: 'sandbox', ready: 0, ...none });
  });

  it.each<{ where: string; change: Partial<Upstream>; maxTotal: number }>([
    { where: 'the upstream forbids it', change: { maxReadyConnections: 0 }, maxTotal: 64 },
    { where: 'the upstream is told of the client by XCLIENT', change: { clientInfo: 'xclient' }, maxTotal: 64 },
    { where: 'there may be none at all', change: {}, maxTotal: 0 },
  ])('where $where', async ({ change, maxTotal }) => {
    const { server, upstream: usual } = await servePlain();
    const upstream = { ...usual, ...change };
    dialer.maxTotal = maxTotal;
    for (let count = 0; count < 10; count += 1) await dialer.logIn(upstream);
    expect(server.connections).toHaveLength(10);
    expect(dialer.ready.list()).toEqual([]);
  });

  it('beyond the bound for all upstreams together', async () => {
    const [one, other] = [await servePlain(), await servePlain()];
    const second = { ...other.upstream, name: 'second' };
    dialer.maxTotal = 1;
    await dialer.warm(one.upstream);
    for (let count = 0; count < 10; count += 1) await dialer.logIn(second);
    expect(other.server.connections).toHaveLength(10);
    expect(dialer.counts(one.upstream)).toMatchObject({ ready: 1 });
  });

  it('beyond the bound for one upstream', async () => {
    const { upstream: usual } = await servePlain({
      // A server that takes long, and a rush there: as much as demand can ask for.
      onConnection: () => {
        dialer.nowMs += 100;
        return false;
      },
    });
    const upstream = { ...usual, maxReadyConnections: 2 };
    for (let count = 0; count < 20; count += 1) {
      const [login] = await Promise.all([dialer.logIn(upstream), dialer.logIn(upstream)]);
      expect(login).toMatchObject({ kind: 'accepted' });
      expect(dialer.counts(upstream)?.ready).toBeLessThanOrEqual(2);
    }
    await until(() => dialer.counts(upstream)?.ready === 2);
  });

  it('unasked again for a second, then two, where one could not be made', async () => {
    const busy = '-ERR busy\r\n';
    const { server, upstream } = await serveGreeting([busy, undefined, undefined, busy]);
    const failures = () => dialer.events.filter(({ kind }) => kind === 'readyConnectionFailed');
    for (let count = 0; count < loginsThatWarm; count += 1) await dialer.logIn(upstream);
    await until(() => failures().length === 1);
    expect(failures()[0]).toEqual({
      kind: 'readyConnectionFailed',
      upstream: 'sandbox',
      failure: { reason: 'unavailable', detail: 'It greeted with "busy"' },
    });
    dialer.nowMs = 999;
    await dialer.logIn(upstream);
    expect(server.connections).toHaveLength(5);
    dialer.nowMs = 1_000;
    await dialer.logIn(upstream);
    await until(() => failures().length === 2);
    dialer.nowMs = 2_999;
    await dialer.logIn(upstream);
    expect(server.connections).toHaveLength(8);
    dialer.nowMs = 3_000;
    await dialer.logIn(upstream);
    await until(() => dialer.counts(upstream)?.ready === 1);
  });

  it('of a server that cannot be verified', async () => {
    let count = 0;
    const server = await tested.serve({
      answer: (line) => (line === 'CAPA' ? plainCapabilities : undefined),
      onConnection: () => {
        count += 1;
        return false;
      },
      get tls() {
        const certificate = count > loginsThatWarm ? tested.certificates.wrongName : tested.certificates.valid;
        return { ...certificate, start: 'implicit' as const };
      },
    });
    const upstream = tested.upstreamAt(server.port);
    for (let made = 0; made < loginsThatWarm; made += 1) await dialer.logIn(upstream);
    await until(() => dialer.events.length === 1);
    expect(dialer.events).toMatchObject([{ kind: 'readyConnectionFailed', failure: { reason: 'name_mismatch' } }]);
    expect(await dialer.logIn(upstream)).toMatchObject({ kind: 'failed', failure: { reason: 'name_mismatch' } });
    expect(server.connections.slice(loginsThatWarm).flatMap(({ lines }) => lines)).toEqual([]);
  });
});

describe('a ready connection', () => {
  it(`is closed ${maxReadyAgeMs / 1000} s after it was made, without a word, and not replaced`, async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { server, upstream } = await servePlain();
    await dialer.warm(upstream);
    const ready = server.connections.at(-1);
    vi.advanceTimersByTime(maxReadyAgeMs - 1);
    expect(dialer.counts(upstream)).toMatchObject({ ready: 1 });
    vi.advanceTimersByTime(1);
    expect(dialer.counts(upstream)).toEqual({ upstream: 'sandbox', ready: 0, ...none, expired: 1 });
    expect(await ready?.ended).toBe('end');
    expect(ready?.lines).toEqual([]);
    expect(server.connections).toHaveLength(loginsThatWarm + 1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('that is too old is not used, though its timer be late', async () => {
    const { upstream } = await servePlain();
    await dialer.warm(upstream);
    dialer.nowMs = maxReadyAgeMs;
    expect(await dialer.logIn(upstream)).toMatchObject({ kind: 'accepted' });
    expect(dialer.connected.at(-1)).not.toHaveProperty('readyForMs');
    expect(dialer.counts(upstream)).toMatchObject({ expired: 1, used: 0 });
  });

  it.each<{ what: string; act: (server: ScriptedUpstream) => void }>([
    { what: 'is closed by the server', act: ({ connections }) => connections.at(-1)?.socket.end() },
    { what: 'is reset', act: ({ connections }) => connections.at(-1)?.reset() },
    { what: 'brings a farewell', act: ({ connections }) => connections.at(-1)?.send('-ERR timeout\r\n') },
    { what: 'brings a single octet', act: ({ connections }) => connections.at(-1)?.send('+') },
  ])('that $what meanwhile is given up, and the next login makes its own', async ({ act }) => {
    const { server, upstream } = await servePlain();
    await dialer.warm(upstream);
    const ready = server.connections.at(-1);
    act(server);
    await until(() => dialer.counts(upstream)?.ready === 0);
    await ready?.ended;
    expect(dialer.counts(upstream)).toMatchObject({ broken: 1, used: 0 });
    expect(await dialer.logIn(upstream)).toMatchObject({ kind: 'accepted' });
    expect(ready?.lines).toEqual([]);
  });

  it('whose greeting is followed by octets is none', async () => {
    const { upstream } = await serveGreeting(['+OK Scripted\r\n+OK more\r\n']);
    for (let count = 0; count < loginsThatWarm; count += 1) await dialer.logIn(upstream);
    await until(() => dialer.events.length === 1);
    expect(dialer.events).toEqual([
      {
        kind: 'readyConnectionFailed',
        upstream: 'sandbox',
        failure: { reason: 'not_pop3', detail: 'Octets follow its greeting' },
      },
    ]);
  });

  it.each(['discarded by a configuration', 'discarded at the end'])('is closed when %s', async (how) => {
    const { server, upstream } = await servePlain();
    await dialer.warm(upstream);
    const ready = server.connections.at(-1);
    if (how.endsWith('configuration')) dialer.ready.keepOnly((served) => served !== upstream);
    else dialer.ready[Symbol.dispose]();
    expect(dialer.counts(upstream)).toEqual({ upstream: 'sandbox', ready: 0, ...none, discarded: 1 });
    expect(await ready?.ended).toBe('end');
    expect(ready?.lines).toEqual([]);
  });

  it('that is served as before stays', async () => {
    const { upstream } = await servePlain();
    await dialer.warm(upstream);
    dialer.ready.keepOnly((served) => served === upstream);
    await dialer.logIn(upstream);
    expect(dialer.counts(upstream)).toMatchObject({ used: 1, discarded: 0 });
  });

  it('that is being made when the end comes is given up', async () => {
    let count = 0;
    const dialled = Promise.withResolvers<Socket>();
    const { server, upstream } = await servePlain({
      onConnection: (socket) => {
        count += 1;
        if (count !== loginsThatWarm + 1) return false;
        dialled.resolve(socket);
        return true;
      },
    });
    for (let made = 0; made < loginsThatWarm; made += 1) await dialer.logIn(upstream);
    const socket = await dialled.promise;
    dialer.ready[Symbol.dispose]();
    await once(socket.resume(), 'end');
    socket.destroy();
    expect(await dialer.logIn(upstream)).toMatchObject({ kind: 'accepted' });
    expect(server.connections).toHaveLength(loginsThatWarm + 1);
    expect(dialer.events).toEqual([]);
  });

  it('leaves nothing behind, however many logins there were', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { server, upstream } = await servePlain({
      onConnection: () => {
        dialer.nowMs += 20;
        return false;
      },
    });
    for (let count = 0; count < 60; count += 1) {
      await Promise.all([dialer.logIn(upstream), dialer.logIn(upstream)]);
    }
    dialer[Symbol.dispose]();
    await Promise.all(server.connections.map(({ ended }) => ended));
    expect(vi.getTimerCount()).toBe(0);
    const { ready, used = 0, discarded = 0 } = dialer.counts(upstream) ?? {};
    const made = dialer.events.filter(({ kind }) => kind === 'readyConnectionMade').length;
    expect(ready).toBe(0);
    expect(used + discarded).toBe(made);
    expect(used).toBeGreaterThan(0);
  });
});
