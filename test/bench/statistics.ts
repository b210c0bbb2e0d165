/** What repeated measurements of one thing came to. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The middle and the spread of at least one value. */
export function summarize(values: readonly number[]): Summary {
  const sorted = sort(values);
  return { median: median(sorted), min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN };
}

/** The value that `share` (0–1) of the values do not exceed; NaN where there is none (nearest rank). */
export function percentile(values: readonly number[], share: number): number {
  const sorted = sort(values);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/**
 * How many times as much `values` are than `others`, run by run: runs of one round met the same state of the machine, so
 * their ratio moves less than either. The two are as long as each other.
 */
export function ratios(values: readonly number[], others: readonly number[]): number[] {
  return values.map((value, run) => value / (others[run] ?? Number.NaN));
}

function sort(values: readonly number[]): number[] {
  return values.toSorted((a, b) => a - b);
}

function median(sorted: readonly number[]): number {
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}
