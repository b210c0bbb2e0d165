import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Script } from '../e2e/scripted-upstream.ts';
import { type ConversationRequest, UpstreamTest } from './upstream-under-test.ts';

const tested = new UpstreamTest();
const { implicit, stls } = tested;
beforeAll(() => tested.start());
afterEach(() => tested.reset());
afterAll(() => tested.stop());
afterEach(() => {
  vi.useRealTimers();
});

describe('a server that does not go on', () => {
  function silent(): Script {
    return { onConnection: () => true };
  }

  it.each<{ step: string; after: number; request: ConversationRequest; script: () => Script; untilThen: string }>([
    { step: 'handshake', after: 10_000, request: {}, script: silent, untilThen: 'connected' },
    { step: 'greeting', after: 15_000, request: { tls: 'starttls' }, script: silent, untilThen: 'connected' },
    {
      step: 'greeting',
      after: 15_000,
      request: {},
      script: () => ({ ...implicit(), greeting: '' }),
      untilThen: 'secured',
    },
    {
      step: 'reply',
      after: 30_000,
      request: {},
      script: () => ({ ...implicit(), answer: (line) => (line === 'CAPA' ? '' : undefined) }),
      untilThen: 'asked',
    },
    {
      step: 'handshake',
      after: 10_000,
      request: { tls: 'starttls' },
      // The client's hello is random, and to a server of lines now and then a line: it is answered with nothing.
      script: () => ({ answer: (line) => (line === 'STLS' ? '+OK\r\n' : line === 'CAPA' ? undefined : '') }),
      untilThen: 'upgrading',
    },
  ])('to its $step ($untilThen) is given up after $after ms', async ({ step, after, request, script, untilThen }) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const reached = Promise.withResolvers<void>();
    const plan = script();
    const server = await tested.serve({
      ...plan,
      answer: (line, connection) => {
        const answered = plan.answer?.(line, connection);
        if (line === (untilThen === 'upgrading' ? 'STLS' : 'CAPA') && untilThen !== 'connected') reached.resolve();
        return answered;
      },
    });
    let isSettled = false;
    const result = tested
      .talk(server.port, {
        ...request,
        options: {
          // The conversation is told of its own connection in the same breath.
          isOwnEndpoint: () => {
            if (untilThen === 'connected') reached.resolve();
            return false;
          },
          onHandshake: () => untilThen === 'secured' && reached.resolve(),
        },
      })
      .finally(() => {
        isSettled = true;
      });
    await reached.promise;
    if (untilThen === 'upgrading') {
      // The client's hello: it has begun to wait for the server's.
      await once((await server.connection()).socket, 'data');
    }
    await vi.advanceTimersByTimeAsync(after - 1);
    expect(isSettled).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await result).toEqual({ kind: 'failed', reason: 'timeout', detail: `No ${step} within ${after / 1000} s` });
  });

  it('to the connection is given up after 10 s', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const server = await tested.serve(implicit());
    const result = tested.talk(server.port);
    // No turn of the event loop has passed in which the connection could have been made.
    vi.advanceTimersByTime(10_000);
    expect(await result).toEqual({ kind: 'failed', reason: 'timeout', detail: 'No connection within 10 s' });
  });

  it('leaves no timer behind, however it ended', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const [good, bad] = [await tested.serve(implicit()), await tested.serve({})];
    const accepted = await tested.talk(good.port);
    expect(vi.getTimerCount()).toBe(0);
    await tested.talk(bad.port);
    expect(vi.getTimerCount()).toBe(0);
    if (accepted.kind === 'accepted') accepted.socket.destroy();
  });
});

describe('an abort', () => {
  it('ahead of the conversation makes no connection', async () => {
    const server = await tested.serve(implicit());
    const result = await tested.talk(server.port, { options: { signal: AbortSignal.abort() } });
    expect(result).toEqual({ kind: 'failed', reason: 'reset', detail: 'The client went away' });
    expect(server.connections).toEqual([]);
  });

  it.each([
    { at: 'CAPA', tls: 'implicit' },
    { at: 'USER', tls: 'implicit' },
    { at: 'CAPA', tls: 'starttls' },
    { at: 'STLS', tls: 'starttls' },
    { at: 'USER', tls: 'starttls' },
  ] as const)('at $at over $tls closes the connection', async ({ at, tls }) => {
    const gone = new AbortController();
    const script = tls === 'implicit' ? implicit() : stls();
    const server = await tested.serve({
      ...script,
      answer: (line) => {
        if (!line.startsWith(at)) return undefined;
        gone.abort();
        return '';
      },
    });
    const result = await tested.talk(server.port, { tls, options: { signal: gone.signal } });
    expect(result).toMatchObject({ kind: 'failed', reason: 'reset' });
    const connection = await server.connection();
    expect(['end', 'reset']).toContain(await connection.ended);
    expect(connection.lines.at(-1)).toMatch(new RegExp(`^${at}`));
  });

  it('behind the password leaves it to the upstream what becomes of the login', async () => {
    const gone = new AbortController();
    const server = await tested.serve({
      ...implicit(),
      answer: (line) => {
        if (!line.startsWith('PASS')) return undefined;
        gone.abort();
        return '-ERR [AUTH] No\r\n';
      },
    });
    const result = await tested.talk(server.port, { options: { signal: gone.signal } });
    expect(result).toMatchObject({ kind: 'refused', reply: { code: 'AUTH' } });
  });

  it('behind the login is no longer heard', async () => {
    const gone = new AbortController();
    const server = await tested.serve(implicit());
    const result = await tested.talk(server.port, { options: { signal: gone.signal } });
    gone.abort();
    if (result.kind !== 'accepted') throw new Error(`Cannot go on: the login was ${result.kind}`);
    expect(result.socket.destroyed).toBe(false);
    result.socket.destroy();
  });
});
