import { existsSync, readFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { embeddedConfig } from '../config/embedded.ts';
import { parseConfig } from '../config/parse.ts';
import { formatProblems } from '../config/problems.ts';
import { explainFileError } from '../config/source.ts';
import { catalog } from '../providers/catalog.ts';

/** Used when no file is named, if it is there. */
const defaultFile = 'postern.yaml';

/** Holds a whole configuration, for hosts that give a program nothing but variables. */
export const textVariable = 'POSTERN_CONFIG_YAML';

/** What `--config` says for standard input. */
const standardInput = '-';
const standardInputDescriptor = 0;

/** The text of a configuration, and where people know it from. */
export interface ConfigurationFile {
  /** Relative paths start at its directory; for what is no file, here. */
  readonly file: string;
  readonly origin: 'file' | 'environment' | 'standardInput';
  readonly text: string;
  /** Reads the text anew where it can have changed. Throws `ConfigurationError`. */
  readonly readAgain: () => string;
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

/**
 * Finds and reads the configuration: the file that is named (`-`: standard input), else the variable
 * POSTERN_CONFIG_YAML, else ./postern.yaml; undefined where there is none of them. Throws `ConfigurationError`.
 */
export function readConfigurationFile(
  file: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): ConfigurationFile | undefined {
  if (file === standardInput)
    return unchanging(readStandardInput(), { file: 'standard input', origin: 'standardInput' });
  const inEnvironment = environment[textVariable];
  if (file === undefined && inEnvironment !== undefined && inEnvironment.trim() !== '') {
    return unchanging(inEnvironment, { file: textVariable, origin: 'environment' });
  }
  const path = file ?? defaultFile;
  if (file === undefined && !existsSync(path)) return undefined;
  const readAgain = (): string => readNamedFile(path, 'the configuration');
  return { file: path, origin: 'file', text: readAgain(), readAgain };
}

function unchanging(text: string, from: Pick<ConfigurationFile, 'file' | 'origin'>): ConfigurationFile {
  return { ...from, text, readAgain: () => text };
}

function readStandardInput(): string {
  try {
    return readFileSync(standardInputDescriptor, 'utf8');
  } catch (cause) {
    throw new ConfigurationError('Cannot read the configuration from standard input: pipe it in', { cause });
  }
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
  { readFile = readTextFile }: { readonly readFile?: (path: string) => string } = {},
): Config {
  if (source === undefined) return embeddedConfig();
  const { file, text } = source;
  const parsed = parseConfig(text, { file, environment, readFile, providerIds });
  if (!parsed.ok) throw new ConfigurationError(formatProblems(parsed.problems, file));
  return parsed.config;
}
