import { existsSync, readFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { embeddedConfig } from '../config/embedded.ts';
import { parseConfig } from '../config/parse.ts';
import { formatProblems } from '../config/problems.ts';
import { explainFileError } from '../config/source.ts';
import { catalog } from '../providers/catalog.ts';

/** Used when no file is named, if it is there. */
const defaultFile = 'postern.yaml';

/** The text of a configuration file, and the name people know it by. */
export interface ConfigurationFile {
  readonly file: string;
  readonly text: string;
}

/** A configuration that cannot be used. The message is for people: one line a problem, no secret in it. */
export class ConfigurationError extends Error {
  readonly code = 'CONFIGURATION';
}

/** The ids of the built-in providers, which are upstream names too. */
export const providerIds: ReadonlySet<string> = new Set(catalog.map(({ id }) => id));

/** Reads a file that the command line or a configuration names. */
export function readTextFile(path: string): string {
  return readFileSync(path, 'utf8');
}

/** Finds and reads the configuration file; undefined where none is named or lies here. Throws `ConfigurationError`. */
export function readConfigurationFile(file: string | undefined): ConfigurationFile | undefined {
  const path = file ?? defaultFile;
  if (file === undefined && !existsSync(path)) return undefined;
  return { file: path, text: readNamedFile(path, 'the configuration') };
}

/** Reads a file that the command line names; `what` it is stands in the error. Throws `ConfigurationError`. */
export function readNamedFile(path: string, what: string): string {
  try {
    return readTextFile(path);
  } catch (cause) {
    throw new ConfigurationError(`Cannot read ${what} "${path}": ${explainFileError(cause)}`, { cause });
  }
}

/** The configuration of a file, or the embedded defaults. Throws `ConfigurationError` with every problem. */
export function loadConfiguration(
  source: ConfigurationFile | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Config {
  if (source === undefined) return embeddedConfig();
  const { file, text } = source;
  const parsed = parseConfig(text, { file, environment, readFile: readTextFile, providerIds });
  if (!parsed.ok) throw new ConfigurationError(formatProblems(parsed.problems, file));
  return parsed.config;
}
