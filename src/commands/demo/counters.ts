/** A counter that moved between two readings. */
export interface MovedCounter {
  readonly name: string;
  /** `name=value`, in the order they were exposed. */
  readonly labels: readonly string[];
  readonly by: number;
}

/** Finds Postern's counters that moved between two readings in the Prometheus text format; a new one began at 0. */
export function movedCounters(before: string, after: string): readonly MovedCounter[] {
  const start = readCounters(before);
  return [...readCounters(after)]
    .map(([series, value]) => ({ ...parseSeries(series), by: value - (start.get(series) ?? 0) }))
    .filter(({ by }) => by !== 0);
}

/** The counters by name and labels, as exposed. */
function readCounters(text: string): ReadonlyMap<string, number> {
  const counters = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = /^(postern_\w+_total(?:\{.*\})?) (\S+)$/.exec(line);
    if (match?.[1] !== undefined) counters.set(match[1], Number(match[2]));
  }
  return counters;
}

function parseSeries(series: string): Pick<MovedCounter, 'name' | 'labels'> {
  const [name = series] = series.split('{', 1);
  const labels = [...series.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, value]) => `${label}=${value}`);
  return { name, labels };
}
