import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { createMetricsRegistry, expose } from '../../src/telemetry/exposition.ts';
import { addProcessMetrics } from '../../src/telemetry/process-metrics.ts';
import { sampleValue } from './metrics.ts';

async function scrape(): Promise<string> {
  const registry = createMetricsRegistry();
  addProcessMetrics(registry);
  return (await expose(registry, 'text')).body;
}

describe('addProcessMetrics', () => {
  it.skipIf(!existsSync('/proc/self/fd'))('counts open files', async () => {
    const before = sampleValue(await scrape(), 'process_open_fds') ?? 0;
    const files = await Promise.all(Array.from({ length: 200 }, () => open('/dev/null')));
    const after = sampleValue(await scrape(), 'process_open_fds') ?? 0;
    await Promise.all(files.map((file) => file.close()));
    expect(before).toBeGreaterThan(3);
    // Others open and close files meanwhile.
    expect(Math.abs(after - before - 200)).toBeLessThan(50);
  });

  it('has nothing for which the runtime lists all its sockets', async () => {
    const text = await scrape();
    expect(text).not.toMatch(/nodejs_active_/);
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
  });
});
