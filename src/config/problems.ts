/** Where a value stands in the configuration: mapping keys and list positions, from the top. */
export type Path = readonly (string | number)[];

/** One thing that is wrong with a configuration. Shows no secret and nothing that came from the environment or a file. */
export interface ConfigProblem {
  /** `listeners[0].tls`; empty where the whole file is meant. */
  readonly path: string;
  /** From 1; absent where no place in the file can be named. */
  readonly line?: number;
  /** From 1. */
  readonly column?: number;
  readonly message: string;
}

/** A problem before its place in the file is looked up. */
export interface Fault {
  readonly path: Path;
  readonly message: string;
}

/** A value that is not accepted: `reason` says what is, and never repeats the value. */
export interface Complaint {
  readonly path: Path;
  readonly reason: string;
}

/** Spells a path as people write it: `admin.tokens[0].name`, `limits["per address"]`. */
export function formatPath(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${quote(step)}]`;
  }
  return text;
}

/** One line for each problem: `postern.yaml:12: listeners[0].tls: "on" is not accepted: implicit, starttls or off`. */
export function formatProblems(problems: readonly ConfigProblem[], file: string): string {
  return problems
    .map(({ path, line, message }) => [line === undefined ? file : `${file}:${line}`, path, message])
    .map((parts) => parts.filter((part) => part !== '').join(': '))
    .join('\n');
}

/** Puts problems in the order of the file, those without a place last. */
export function inFileOrder(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  return problems.toSorted(
    (a, b) => (a.line ?? Infinity) - (b.line ?? Infinity) || (a.column ?? Infinity) - (b.column ?? Infinity) || 0,
  );
}

// Longer values are cut: a message has to stay one readable line.
const maxShownCharacters = 80;

/** Quotes a value for a message, on one line and cut where it is long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > maxShownCharacters ? `${text.slice(0, maxShownCharacters)}…` : text);
}

/** Joins what is accepted: `a, b or c`. */
export function alternatives(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
