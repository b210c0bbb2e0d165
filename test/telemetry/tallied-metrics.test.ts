import fc from 'fast-check';
import { Counter, Histogram } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createMetricsRegistry, expose } from '../../src/telemetry/exposition.ts';
import { TalliedCounter, TalliedHistogram } from '../../src/telemetry/tallied-metrics.ts';

const about = { help: 'help', labelNames: ['one', 'two'], enableExemplars: true } as const;
const buckets = [0.001, 0.5, 1, 30];

/** What happened, as two metrics of prom-client's own show it, and as ours do. */
function bothRegistries(
  happened: readonly (readonly [one: string, two: string, value: number, id: string | undefined])[],
) {
  const own = createMetricsRegistry();
  const theirCounter = new Counter<string>({ ...about, name: 'c_total', registers: [own] });
  const theirHistogram = new Histogram<string>({ ...about, name: 'h', buckets, registers: [own] });
  const tallied = createMetricsRegistry();
  const counter = new TalliedCounter({ ...about, name: 'c_total', registers: [tallied] });
  const histogram = new TalliedHistogram({ ...about, name: 'h', buckets, registers: [tallied] });
  for (const [one, two, value, id] of happened) {
    const exemplar = id === undefined ? undefined : { session_id: id };
    const more = { labels: { one, two }, ...(exemplar && { exemplarLabels: exemplar }) };
    theirCounter.inc(more);
    theirHistogram.observe({ ...more, value });
    counter.of(one, two).inc(exemplar);
    histogram.of(one, two).observe(value, exemplar);
  }
  return { own, tallied, histogram };
}

describe('tallied metrics', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_790_000_000_123 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("are written as prom-client's own, exemplars included, in both formats", async () => {
    const label = fc.constantFrom('a', 'b', 'c');
    const value = fc.oneof(fc.constantFrom(0, ...buckets), fc.double({ min: 0, max: 100, noNaN: true }));
    const happened = fc.array(fc.tuple(label, label, value, fc.option(label, { nil: undefined })), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(happened, async (each) => {
        const { own, tallied } = bothRegistries(each);
        expect(await expose(tallied, 'openMetrics')).toEqual(await expose(own, 'openMetrics'));
        expect(await expose(tallied, 'text')).toEqual(await expose(own, 'text'));
        expect(await tallied.getSingleMetric('h')?.get()).toMatchObject({ name: 'h', help: 'help' });
      }),
    );
  });

  it('take no value that is no number, and no labels that are too few', () => {
    const { histogram } = bothRegistries([]);
    expect(() => histogram.of('a', 'b').observe(Number.NaN)).toThrow('NaN');
    expect(() => histogram.of('a')).toThrow('"one,two"');
  });
});
