import { Refusal, scalar } from './scalar.ts';

const unitMs: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

/** Reads `500ms`, `30s`, `15m`, `1h` or `2d` as milliseconds. */
export function readDuration(text: string): number | undefined {
  // Nine digits of days stay a safe integer of milliseconds.
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  const unit = unitMs.get(match?.[2] ?? '');
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}

/** A duration within a range, both ends as they are shown to people. */
export function duration(range: { readonly min: string; readonly max: string }) {
  const accepted = `a duration from ${range.min} to ${range.max}, such as 500ms, 30s, 15m, 1h or 2d`;
  const min = readDuration(range.min) ?? Number.NaN;
  const max = readDuration(range.max) ?? Number.NaN;
  return scalar(accepted, (text) => {
    const value = readDuration(text) ?? Number.NaN;
    return value >= min && value <= max ? value : new Refusal(accepted);
  });
}

/** How long to remember: a duration within a range, or 0 for not at all. */
export function retention(range: { readonly min: string; readonly max: string }) {
  const accepted = `0, or a duration from ${range.min} to ${range.max}, such as 12h or 90d`;
  const min = readDuration(range.min) ?? Number.NaN;
  const max = readDuration(range.max) ?? Number.NaN;
  return scalar(accepted, (text) => {
    const value = text === '0' ? 0 : (readDuration(text) ?? Number.NaN);
    return value === 0 || (value >= min && value <= max) ? value : new Refusal(accepted);
  });
}
