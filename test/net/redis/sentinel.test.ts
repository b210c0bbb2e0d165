import { describe, expect, test, vi } from 'vitest';
import { StoreUnavailable } from '../../../src/proxy/store-unavailable.ts';
import { findFreePorts } from '../../support/process.ts';
import { program } from '../../support/programs.ts';
import { startSentinel } from '../../support/redis-sentinel.ts';
import { atOnceMs, elapsedMs, increment, openConnection, patience } from './connection-under-test.ts';

describe.skipIf(!program('redis-server'))('a Redis that sentinels watch', () => {
  test('is found, and its successor after a failover, with the subscription', { timeout: 60_000 }, async () => {
    await using sentinel = await startSentinel({ password: 's3cret' });
    const [silentPort = 1] = await findFreePorts(1);
    const { name, node } = sentinel;
    const nodes = [{ host: '127.0.0.1', port: silentPort }, node];
    await using tested = openConnection({ sentinel: { name, nodes }, password: 's3cret' });
    const gaps: number[] = [];
    tested.connection.channel('news').listen({ onMessage: () => {}, onGap: () => gaps.push(1) });
    expect(await tested.connection.run(increment)).toBe(1);
    await vi.waitUntil(() => gaps.length === 1, patience);

    await sentinel.failOver();
    await tested.becomes(false);
    expect(await elapsedMs(() => tested.connection.run(increment))).toBeLessThan(atOnceMs);
    await tested.becomes(true);
    await tested.connection.run(increment);
    await vi.waitUntil(() => gaps.length >= 2 && tested.returns >= 1, patience);
    expect(tested.changes.map(({ isUp }) => isUp)).toEqual([true, false, true]);
  });

  test('is found when the sentinel fails over by itself, as the primary hangs', { timeout: 60_000 }, async () => {
    await using sentinel = await startSentinel();
    const { name, node } = sentinel;
    await using tested = openConnection({ sentinel: { name, nodes: [node] }, timeoutMs: 300 });
    await tested.becomes(true);
    sentinel.primary.pause();
    await tested.becomes(false);
    await tested.becomes(true);
    await tested.connection.run(increment);
    // What was the primary comes back as a replica; nobody is led to it.
    sentinel.primary.resume();
    await tested.connection.run(increment);
  });

  test('is down, with the reason, while no sentinel knows it', async () => {
    const [port = 1] = await findFreePorts(1);
    await using tested = openConnection({ sentinel: { name: 'mymaster', nodes: [{ host: '127.0.0.1', port }] } });
    await expect(tested.connection.run(increment)).rejects.toThrow(StoreUnavailable);
    expect(tested.changes[0]?.detail).toContain(`no sentinel names a primary: 127.0.0.1:${port}: connect ECONNREFUSED`);
  });
});
