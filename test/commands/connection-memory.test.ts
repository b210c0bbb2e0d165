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

async function countMarkings(preparation: string): Promise<number> {
  const command = [process.execPath, '--input-type=module', '-'] as const;
  const { stdout, stderr } = await runProcess(command, { timeoutMs: 20_000, input: `${preparation}\n${filling}` });
  expect(stderr).toBe('');
  return Number(stdout);
}

// V8 as Deno has it is told nothing, and neither is one that is not known.
describe.runIf(process.versions.v8.startsWith('13.') && process.versions.deno === undefined)(
  'the buffers of connections',
  () => {
    it('have V8 mark its heap again and again, by default', async () => {
      expect(await countMarkings('')).toBeGreaterThanOrEqual(2);
    });

    it('are part of the heap limit, as Postern runs', async () => {
      const preparation = `import { countConnectionsInHeapLimit } from '${module}'; countConnectionsInHeapLimit();`;
      expect(await countMarkings(preparation)).toBeLessThan(2);
    });
  },
);
