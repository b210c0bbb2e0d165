import { dirname, resolve } from 'node:path';
import type { Config } from './config.ts';
import { toConfig } from './config-result.ts';
import { crossCheck } from './cross-checks.ts';
import { readDraft } from './draft.ts';
import { type Complaint, type ConfigProblem, type Fault, formatPath, inFileOrder, type Path } from './problems.ts';
import { configSchema } from './schema.ts';
import { readSource, type Source, type SourceOptions, unavailable } from './source.ts';
import { loadTrustFiles } from './trust-files.ts';

/** What a configuration is read with. */
export interface ParseOptions extends SourceOptions {
  /** The name of the file, for messages; relative paths in the configuration start at its directory. */
  readonly file: string;
  /** The ids of the built-in providers, which are upstream names too. */
  readonly providerIds: ReadonlySet<string>;
  /** Whether the configuration is for Deno, which cannot do all that Node can; default: what this runs on. */
  readonly isDeno?: boolean;
}

/** A whole configuration, or everything that is wrong with it in the order of the file. */
export type ParsedConfig =
  | {
      readonly ok: true;
      readonly config: Config;
      /** Says where a value stands, for problems that show only when it is used. */
      readonly problemAt: (path: Path, message: string) => ConfigProblem;
    }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/** Reads a configuration file's text. Never throws; its problems show no secret and nothing from the environment or a file. */
export function parseConfig(text: string, options: ParseOptions): ParsedConfig {
  const directory = dirname(resolve(options.file));
  const readFile = (path: string): string => options.readFile(resolve(directory, path));
  const read = readSource(text, { environment: options.environment, readFile });
  if (!read.ok) return read;
  const { source } = read;
  const draft = readDraft(source.value);
  const isDeno = options.isDeno ?? process.versions.deno !== undefined;
  const trust = loadTrustFiles(draft, { source, readFile, isDeno });
  const checked = configSchema.safeParse(source.value);
  const complaints = [...crossCheck(draft, { source, providerIds: options.providerIds, isDeno }), ...trust.complaints];
  const faults = [
    ...source.faults,
    ...(checked.success ? [] : explainIssues(checked.error.issues, source)),
    ...complaints.map((complaint) => explain(complaint, source)),
    ...trust.faults,
  ];
  const problemAt = (path: Path, message: string): ConfigProblem => ({
    path: formatPath(path),
    ...source.locate(path),
    message,
  });
  if (!checked.success || faults.length > 0) {
    return { ok: false, problems: inFileOrder(faults.map(({ path, message }) => problemAt(path, message))) };
  }
  const config = toConfig(checked.data, { directory, ...trust });
  return { ok: true, config, problemAt };
}

/** The issues of zod that say something new: what could not be had was reported before. */
function explainIssues(issues: readonly Issue[], source: Source): readonly Fault[] {
  return issues.flatMap((issue) => {
    const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
    if (issue.code === 'unrecognized_keys') {
      const messages = issue.message.split('\n');
      return (issue.keys ?? []).map((key, index) => ({ path: [...path, key], message: messages[index] ?? '' }));
    }
    return valueAt(source.value, path) === unavailable ? [] : [explain({ path, reason: issue.message }, source)];
  });
}

interface Issue {
  readonly code: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
}

function explain({ path, reason }: Complaint, source: Source): Fault {
  return {
    path,
    message: source.isWritten(path) ? `${source.show(path)} is not accepted: ${reason}` : `missing: ${reason}`,
  };
}

function valueAt(value: unknown, path: Path): unknown {
  let here = value;
  for (const step of path) {
    if (typeof here !== 'object' || here === null) return here;
    here = Reflect.get(here, step);
  }
  return here;
}
