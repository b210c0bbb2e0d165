/** A number that is read from an observation: less is better in all that are compared. */
export interface Figure<O> {
  readonly name: string;
  /** With whom the subject is compared: no one, the other proxies, or the bare connection too. Default: no one. */
  readonly against?: 'proxies' | 'all';
  /** Undefined where the run does not tell. */
  readonly read: (observation: O) => number | undefined;
}

/** One line of the report. */
export interface Row {
  readonly load: string;
  readonly figure: string;
  readonly against?: 'proxies' | 'all';
  /** By contender, run by run. */
  readonly values: ReadonlyMap<string, readonly number[]>;
}

/** Whether something holds that was to hold. */
export interface Verdict {
  readonly holds: boolean;
  readonly text: string;
}

/** What a load has come to. */
export interface Measured {
  readonly rows: readonly Row[];
  readonly verdicts?: readonly Verdict[];
  /** What the machine or an installation did not permit. */
  readonly notes?: readonly string[];
  /** Everything beside the rows that a program may want to read, by name. */
  readonly series?: Readonly<Record<string, unknown>>;
}

/** The contender that the others are compared with. */
export const subject = 'postern';

/** Observations, by contender, in the order they are made. */
export class Observations<O> {
  readonly #byContender = new Map<string, O[]>();

  /** Adds one. */
  add(contender: string, observation: O): void {
    const others = this.#byContender.get(contender);
    if (others === undefined) this.#byContender.set(contender, [observation]);
    else others.push(observation);
  }

  /** A row for each figure. */
  rows(load: string, figures: readonly Figure<O>[]): Row[] {
    return figures.map(({ name, against, read }) => ({
      load,
      figure: name,
      ...(against === undefined ? {} : { against }),
      values: new Map(
        [...this.#byContender]
          .map(([contender, runs]) => [contender, runs.map(read).filter((value) => value !== undefined)] as const)
          .filter(([, values]) => values.length > 0),
      ),
    }));
  }
}
