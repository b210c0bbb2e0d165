import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { maxListedBlocks } from '../../src/guard/redis/block-index.ts';
import { ResyncLoop, resyncBlocks } from '../../src/guard/resync.ts';
import type { StoredBlock } from '../../src/policy/guard/facts.ts';
import { StoreUnavailable } from '../../src/proxy/store-unavailable.ts';

function blockOf(index: number): StoredBlock {
  return {
    limit: 'perAddress',
    subject: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`,
    untilMs: 1_000_000 + index,
    strikes: 1,
    hasOwners: false,
  };
}

describe('a resync of blocks', () => {
  it('lets logins come between, however many blocks there are', async () => {
    const blocks = Array.from({ length: 20_000 }, (_, index) => blockOf(index));
    const store = { liftBlock: async () => false, restoreBlocks: async () => {}, listBlocks: async () => blocks };
    let turns = 0;
    let isOver = false;
    const others = (async () => {
      for (; !isOver; turns += 1) await setImmediate();
    })();
    const readLifted = async () => ({ lifted: new Set<string>(), nowMs: 0 });
    await resyncBlocks({ local: store, shared: store, readLifted });
    isOver = true;
    await others;
    expect(turns).toBeGreaterThan(20);
  });

  it('gives back only what would be listed where there are too many to list', async () => {
    const all = Array.from({ length: maxListedBlocks + 100 }, (_, index) => blockOf(index));
    const latest = blockOf(1_000_000);
    const restored: StoredBlock[] = [];
    const store = { liftBlock: async () => false, restoreBlocks: async () => {} };
    await resyncBlocks({
      local: { ...store, listBlocks: async () => [...all, latest] },
      shared: {
        ...store,
        listBlocks: async () => all.slice(100),
        restoreBlocks: async (blocks) => void restored.push(...blocks),
      },
      readLifted: async () => ({ lifted: new Set(), nowMs: 0 }),
    });
    expect(restored).toEqual([latest]);
  });
});

describe('the resync loop', () => {
  let runs: number;
  let fail: Error | undefined;
  let failures: unknown[];
  let loop: ResyncLoop;

  beforeEach(() => {
    vi.useFakeTimers();
    runs = 0;
    fail = undefined;
    failures = [];
    loop = new ResyncLoop(
      async () => {
        runs += 1;
        if (fail !== undefined) throw fail;
      },
      (error) => failures.push(error),
    );
  });
  afterEach(() => {
    loop[Symbol.dispose]();
    vi.useRealTimers();
  });

  it('runs about every ten seconds', async () => {
    await vi.advanceTimersByTimeAsync(60_000);
    expect(runs).toBeGreaterThanOrEqual(5);
    expect(runs).toBeLessThanOrEqual(7);
  });

  it('runs once more, and no more, for all who ask while it runs', async () => {
    await Promise.all([loop.runNow(), loop.runNow(), loop.runNow()]);
    expect(runs).toBe(2);
  });

  it('goes on after a failure, and tells of it unless the store was away', async () => {
    fail = new StoreUnavailable('Cannot ask the test: it is away');
    await loop.runNow();
    expect(failures).toEqual([]);
    fail = new Error('A fault');
    await loop.runNow();
    expect(failures).toEqual([fail]);
    fail = undefined;
    await vi.advanceTimersByTimeAsync(12_000);
    expect(runs).toBeGreaterThanOrEqual(3);
  });

  it('runs no more once it is disposed of', async () => {
    loop[Symbol.dispose]();
    await vi.advanceTimersByTimeAsync(60_000);
    await loop.runNow();
    expect(runs).toBe(0);
  });
});
