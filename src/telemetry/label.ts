/** What a metric shows for a value outside of its label's set. */
const otherLabel = 'other';

/** What a metric shows where there is no value, such as the upstream of an account that none serves. */
export const noneLabel = 'none';

/** Confines a label to a closed set: anything else becomes `other`, so that no peer can make a time series. */
export function closedLabel(values: Iterable<string>): (value: string) => string {
  const known = new Set(values);
  return (value) => (known.has(value) ? value : otherLabel);
}

/** Far above any configuration; it only bounds what reloads with ever new names could add. */
const maxNames = 10_000;

/**
 * A closed set of names that a configuration gives. One that is read anew may add to it, and takes none away: sessions of a
 * listener that is gone still end.
 */
export class LabelNames {
  readonly #known = new Set<string>();

  constructor(names: Iterable<string> = []) {
    this.add(names);
  }

  /** Returns those that are new. */
  add(names: Iterable<string>): readonly string[] {
    const added: string[] = [];
    for (const name of names) {
      if (this.#known.has(name) || this.#known.size >= maxNames) continue;
      this.#known.add(name);
      added.push(name);
    }
    return added;
  }

  /** What a metric shows for the name. */
  label(name: string): string {
    return this.#known.has(name) ? name : otherLabel;
  }

  [Symbol.iterator](): Iterator<string> {
    return this.#known.values();
  }
}

/** The names that labels may show. */
export interface NamesInUse {
  readonly listeners: LabelNames;
  readonly upstreams: LabelNames;
  /** The files of Postern's own certificates. */
  readonly certificates: LabelNames;
}
