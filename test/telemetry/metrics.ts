/** The sample lines of a metric, as scraped: `name{labels} value` without comments. */
export function samplesOf(text: string, metric: string): readonly string[] {
  return text.split('\n').filter((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `));
}

/** The value of the one sample that carries all the given labels; undefined where there is none. */
export function sampleValue(
  text: string,
  metric: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const wanted = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  const found = samplesOf(text, metric).filter((line) => wanted.every((label) => line.includes(label)));
  if (found.length > 1) throw new Error(`Cannot pick a sample: ${found.length} match "${metric}"`);
  return found[0] === undefined ? undefined : Number(found[0].slice(found[0].lastIndexOf(' ') + 1));
}
