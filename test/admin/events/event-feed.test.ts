import { describe, expect, it } from 'vitest';
import { EventFeed } from '../../../src/admin/events/event-feed.ts';
import { logLine } from '../../../src/telemetry/log-line.ts';
import { events } from '../../telemetry/events.ts';

/** Longer than any test. */
const never = 600_000;

function feedWith(count: number): EventFeed {
  const feed = new EventFeed({ epoch: 'e1', describe: logLine, nowMs: () => 0 });
  for (let index = 0; index < count; index += 1) feed.record(events.opened());
  return feed;
}

describe('EventFeed', () => {
  it('keeps the latest 2,000 events', () => {
    const feed = feedWith(2_100);
    const kept = feed.since(0);
    expect([kept.length, kept[0]?.sequence, kept.at(-1)?.sequence]).toEqual([2_000, 101, 2_100]);
    expect([feed.forgotten, feed.latest]).toEqual([100, 2_100]);
    expect(feed.since(2_098).map(({ sequence }) => sequence)).toEqual([2_099, 2_100]);
  });

  it('gives a reader what is kept behind its place, then what comes', async () => {
    const feed = feedWith(3);
    using reader = feed.subscribe(1, ({ sequence }) => sequence !== 4);
    const next = async () => (await reader?.next(never)) as { sequence: number };
    expect([(await next()).sequence, (await next()).sequence]).toEqual([2, 3]);
    const waiting = next();
    feed.record(events.opened());
    feed.record(events.opened());
    expect((await waiting).sequence).toBe(5);
  });

  it('says when nothing came in time', async () => {
    using reader = feedWith(0).subscribe(0, () => true);
    expect(await reader?.next(0)).toBe('idle');
  });

  it('leaves no timer behind for events that came in time', async () => {
    const feed = feedWith(0);
    using reader = feed.subscribe(0, () => true);
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    for (let index = 0; index < 50; index += 1) {
      const waiting = reader?.next(never);
      feed.record(events.opened());
      await waiting;
    }
    expect(timers()).toBeLessThan(before + 25);
  });

  it('cuts off a reader that lets 501 events wait, and no other', async () => {
    const feed = feedWith(0);
    using slow = feed.subscribe(0, () => true);
    using choosy = feed.subscribe(0, ({ event }) => event.kind === 'sessionClosed');
    for (let index = 0; index < 501; index += 1) feed.record(events.opened());
    expect(await slow?.next(never)).toBeUndefined();
    feed.record(events.closed());
    expect(await choosy?.next(never)).toMatchObject({ event: { kind: 'sessionClosed' } });
  });

  it('takes 32 readers, and another once one has left', () => {
    const feed = feedWith(0);
    const readers = Array.from({ length: 32 }, () => feed.subscribe(0, () => true));
    expect(feed.subscribe(0, () => true)).toBeUndefined();
    readers[0]?.[Symbol.dispose]();
    expect(feed.subscribe(0, () => true)).toBeDefined();
  });

  it('cuts all readers off when disposed of, and takes no more', async () => {
    const feed = feedWith(0);
    const waiting = feed.subscribe(0, () => true)?.next(never);
    feed[Symbol.dispose]();
    expect(await waiting).toBeUndefined();
    expect(feed.subscribe(0, () => true)).toBeUndefined();
  });
});
