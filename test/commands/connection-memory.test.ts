import { describe, expect, it } from 'vitest';
import { runProcess } from '../support/process.ts';

const module = new URL('../../src/commands/connection-memory.ts', import.meta.url);

/** Fills 300 MB outside of the heap, and prints how often V8 marked all of the heap meanwhile. */
const filling = `
  import { constants, PerformanceObserver } from 'node:perf_hooks';
  import { setTimeout as delay } from 'node:timers/promises';
  let marked = 0;
  const observer = new PerformanceObserver((list) => {
    marked += list.getEntries().filter(({ detail }) => detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR).length;
  });
  observer.observe({ entryTypes: ['gc'] });
  const kept = [];
  while (kept.length < 600) {
    kept.push(Buffer.allocUnsafeSlow(512 * 1024));
    if (kept.length % 20 === 0) await delay(1);
  }
  await delay(50);
  console.log(marked);
`;

/** Keeps 40 MB, makes much more that lives for a while, and prints how many times those 40 MB the heap had at most. */
const churning = `
  import { getHeapStatistics } from 'node:v8';
  const used = () => getHeapStatistics().used_heap_size;
  const kept = [];
  while (used() < 40e6) kept.push({ number: kept.length, list: [1, 2, 3] });
  const passing = [];
  let most = 0;
  for (let number = 0; number < 4_000_000; number += 1) {
    passing.push({ number, list: [number] });
    if (passing.length < 50_000) continue;
    passing.splice(0, 25_000);
    most = Math.max(most, used());
  }
  console.log(kept.length > 0 ? most / 40e6 : 0);
`;

async function measure(preparation: string, program: string): Promise<number> {
  const command = [process.execPath, '--max-semi-space-size=4', '--input-type=module', '-'] as const;
  const { stdout, stderr } = await runProcess(command, { timeoutMs: 20_000, input: `${preparation}\n${program}` });
  expect(stderr).toBe('');
  return Number(stdout);
}

const preparation = `import { limitHeapGrowth } from '${module}'; limitHeapGrowth();`;

// V8 as Deno has it is told nothing, and neither is one that is not known.
describe.runIf(process.versions.v8.startsWith('13.') && process.versions.deno === undefined)(
  'the buffers of connections',
  () => {
    it('have V8 mark its heap again and again, by default', async () => {
      expect(await measure('', filling)).toBeGreaterThanOrEqual(2);
    });

    it('are part of the heap limit, as Postern runs', async () => {
      expect(await measure(preparation, filling)).toBeLessThan(2);
    });

    it('leave a heap that grows to no more than twice and a half of what is alive', async () => {
      expect(await measure('', churning)).toBeGreaterThan(3);
      expect(await measure(preparation, churning)).toBeLessThan(2.5);
    });
  },
);
