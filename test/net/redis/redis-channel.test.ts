import { describe, expect, test, vi } from 'vitest';
import { StoreUnavailable } from '../../../src/proxy/store-unavailable.ts';
import { program } from '../../support/programs.ts';
import { startRedis } from '../../support/redis.ts';
import { openConnection, patience } from './connection-under-test.ts';

/** Listens on a channel and remembers what it hears. */
export function listen({ connection }: ReturnType<typeof openConnection>, name = 'news') {
  const heard = { messages: [] as string[], gaps: 0 };
  connection.channel(name).listen({
    onMessage: (text) => heard.messages.push(text),
    onGap: () => {
      heard.gaps += 1;
    },
  });
  return heard;
}

describe.skipIf(!program('redis-server'))('a channel of Redis', () => {
  test('carries texts to all with the same key prefix, the sender included, and to nobody else', async () => {
    await using server = await startRedis();
    await using one = openConnection({ url: server.url });
    await using two = openConnection({ url: server.url });
    await using stranger = openConnection({ url: server.url, keyPrefix: 'other:' });
    const heard = [listen(one), listen(two), listen(stranger), listen(two, 'elsewhere')] as const;
    await vi.waitUntil(() => heard.every(({ gaps }) => gaps === 1), patience);
    await one.connection.channel('news').publish('hello');
    await stranger.connection.channel('news').publish('to strangers');
    await vi.waitUntil(
      () => heard[0].messages.length + heard[1].messages.length + heard[2].messages.length === 3,
      patience,
    );
    expect(heard.map(({ messages }) => messages)).toEqual([['hello'], ['hello'], ['to strangers'], []]);
  });

  test('tells of the gap after Redis was gone, and carries again', async () => {
    await using server = await startRedis();
    await using tested = openConnection({ url: server.url });
    const heard = listen(tested);
    await vi.waitUntil(() => heard.gaps === 1, patience);
    await server.kill();
    await tested.becomes(false);
    await expect(tested.connection.channel('news').publish('lost')).rejects.toThrow(StoreUnavailable);
    await server.restart();
    await tested.becomes(true);
    await vi.waitUntil(() => heard.gaps === 2, patience);
    await tested.connection.channel('news').publish('back');
    await vi.waitUntil(() => heard.messages.length === 1, patience);
    expect(heard.messages).toEqual(['back']);
  });

  test('notices a Redis that hangs, and tells of the gap', async () => {
    await using server = await startRedis();
    await using tested = openConnection({ url: server.url, timeoutMs: 200 });
    const heard = listen(tested);
    await vi.waitUntil(() => heard.gaps === 1, patience);
    server.pause();
    await tested.becomes(false);
    // Longer than a ping and its answer may take.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    server.resume();
    await vi.waitUntil(() => heard.gaps === 2, patience);
  });
});
