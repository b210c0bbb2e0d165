/** What a metric shows for a value outside of its label's set. */
const otherLabel = 'other';

/** What a metric shows where there is no value, such as the upstream of an account that none serves. */
export const noneLabel = 'none';

/** Confines a label to a closed set: anything else becomes `other`, so that no peer can make a time series. */
export function closedLabel(values: Iterable<string>): (value: string) => string {
  const known = new Set(values);
  return (value) => (known.has(value) ? value : otherLabel);
}
