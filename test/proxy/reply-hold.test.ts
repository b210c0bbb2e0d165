import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ReplyHold } from '../../src/proxy/reply-hold.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Begins a wait; tells whether it is over. */
function begin(
  hold: ReplyHold,
  delayMs: number,
  signal = new AbortController().signal,
): { readonly isOver: () => boolean } {
  let isOver = false;
  void hold.wait(delayMs, signal).then(() => {
    isOver = true;
  });
  return { isOver: () => isOver };
}

/** Lets whatever has been resolved go on. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('ReplyHold', () => {
  it('waits as long as it is told', async () => {
    const wait = begin(new ReplyHold(1), 4_000);
    vi.advanceTimersByTime(3_999);
    await turn();
    expect(wait.isOver()).toBe(false);
    vi.advanceTimersByTime(1);
    await turn();
    expect(wait.isOver()).toBe(true);
  });

  it.each([0, -1])('does not wait for %d ms', async (delayMs) => {
    const wait = begin(new ReplyHold(1), delayMs);
    await turn();
    expect(wait.isOver()).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('holds no more than it may, and another one once there is room', async () => {
    const hold = new ReplyHold(2);
    const [first, second, third] = [begin(hold, 1_000), begin(hold, 2_000), begin(hold, 1_000)];
    await turn();
    expect([first.isOver(), second.isOver(), third.isOver()]).toEqual([false, false, true]);
    vi.advanceTimersByTime(1_000);
    const fourth = begin(hold, 1_000);
    await turn();
    expect([first.isOver(), second.isOver(), fourth.isOver()]).toEqual([true, false, false]);
  });

  it('ends a wait that is aborted, and leaves nothing behind', async () => {
    const hold = new ReplyHold(1);
    const gone = new AbortController();
    const wait = begin(hold, 8_000, gone.signal);
    gone.abort();
    await turn();
    expect(wait.isOver()).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(gone.signal, 'abort')).toEqual([]);
    const next = begin(hold, 8_000);
    await turn();
    expect(next.isOver()).toBe(false);
  });

  it('leaves no listener behind when a wait is over', async () => {
    const { signal } = new AbortController();
    begin(new ReplyHold(1), 1_000, signal);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    vi.advanceTimersByTime(1_000);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('begins no wait for a client that is gone', async () => {
    const wait = begin(new ReplyHold(1), 1_000, AbortSignal.abort());
    await turn();
    expect(wait.isOver()).toBe(true);
  });

  it('lets everything out when it ends, and holds nothing from then on', async () => {
    const hold = new ReplyHold(5);
    const waits = [begin(hold, 1_000), begin(hold, 8_000)];
    hold.end();
    waits.push(begin(hold, 8_000));
    await turn();
    expect(waits.map((wait) => wait.isOver())).toEqual([true, true, true]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
