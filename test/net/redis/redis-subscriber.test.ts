import { Redis } from 'ioredis';
import { describe, expect, test, vi } from 'vitest';
import { commonOptions } from '../../../src/net/redis/redis-options.ts';
import { type ChannelListener, RedisSubscriber } from '../../../src/net/redis/redis-subscriber.ts';
import { StoreUnavailable } from '../../../src/proxy/store-unavailable.ts';
import { program } from '../../support/programs.ts';
import { startRedis } from '../../support/redis.ts';
import { type ConnectionUnderTest, openConnection, patience } from './connection-under-test.ts';

interface Heard {
  readonly messages: string[];
  gaps: number;
}

/** Listens on a channel and remembers what it hears. */
function listen({ connection }: ConnectionUnderTest, name = 'news'): Heard {
  return remember((listener) => connection.channel(name).listen(listener));
}

function listenTo(subscriber: RedisSubscriber): Heard {
  return remember((listener) => subscriber.listen('news', listener));
}

function remember(add: (listener: ChannelListener) => void): Heard {
  const heard: Heard = { messages: [], gaps: 0 };
  add({
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

  test.each(['hangs', 'is no longer the one to hear from'])('leaves a Redis that %s', async (trouble) => {
    await using server = await startRedis();
    await using tested = openSubscriber(server.port);
    const heard = listenTo(tested.subscriber);
    await vi.waitUntil(() => heard.gaps === 1, patience);
    if (trouble === 'hangs') server.pause();
    else tested.isCurrent = false;
    await vi.waitUntil(() => tested.opened > 1, patience);
    server.resume();
    await vi.waitUntil(() => heard.gaps === 2, patience);
  });
});

interface SubscriberUnderTest extends AsyncDisposable {
  readonly subscriber: RedisSubscriber;
  /** How many connections it had. */
  opened: number;
  /** What the first of them is told. */
  isCurrent: boolean;
}

function openSubscriber(port: number): SubscriberUnderTest {
  const subscriber = new RedisSubscriber({
    openSubscription: () => {
      tested.opened += 1;
      const isFirst = tested.opened === 1;
      const options = { ...commonOptions({}, undefined), port, retryStrategy: () => null };
      return { client: new Redis(options), isCurrent: () => !isFirst || tested.isCurrent };
    },
  });
  const tested: SubscriberUnderTest = {
    subscriber,
    opened: 0,
    isCurrent: true,
    [Symbol.asyncDispose]: async () => subscriber[Symbol.dispose](),
  };
  return tested;
}
