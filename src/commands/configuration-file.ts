import { existsSync, readFileSync, readSync, statSync } from 'node:fs';
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
/** How soon it is looked for more where there is nothing yet. */
const retryMs = 10;

/** Far more than a configuration or a bundle of authorities has; reading it takes some hundredths of a second. */
const maxReloadedOctets = 16 * 1024 * 1024;

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
 * Reads a file while sessions are served: what never ends, or waits for somebody to write, would stop all of them. Throws
 * where it is no regular file, or too large.
 */
export function readFileBesideSessions(path: string): string {
  assertReadableBesideSessions(path);
  return readTextFile(path);
}

/** Throws where a file cannot be read without sessions noticing. */
export function assertReadableBesideSessions(path: string): void {
  const stats = statSync(path);
  if (stats.isDirectory()) throw fileError('EISDIR', 'It is a directory');
  // Also what the shell makes of `<(…)`: it is read once.
  if (!stats.isFile()) throw fileError('ENOTFILE', 'It is no file');
  if (stats.size > maxReloadedOctets) throw fileError('EFBIG', 'It is too large');
}

/** An error as the file system would report it. */
export function fileError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
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
  const what = 'the configuration';
  const readAgain = (): string => readNamedFile(path, what, { readFile: readFileBesideSessions });
  return { file: path, origin: 'file', text: readNamedFile(path, what), readAgain };
}

function unchanging(text: string, from: Pick<ConfigurationFile, 'file' | 'origin'>): ConfigurationFile {
  return { ...from, text, readAgain: () => text };
}

function readStandardInput(): string {
  try {
    return readToEnd(standardInputDescriptor);
  } catch (cause) {
    throw new ConfigurationError('Cannot read the configuration from standard input: pipe it in', { cause });
  }
}

/** Reads until whoever writes has ended, however slowly: a pipe may be one that does not wait by itself. */
function readToEnd(descriptor: number): string {
  const chunks: Buffer[] = [];
  const chunk = Buffer.alloc(64 * 1024);
  const clock = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    try {
      const octets = readSync(descriptor, chunk);
      if (octets === 0) return Buffer.concat(chunks).toString('utf8');
      chunks.push(Buffer.from(chunk.subarray(0, octets)));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
      Atomics.wait(clock, 0, 0, retryMs);
    }
  }
}

/** Reads a file that the command line names; `what` it is stands in the error. Throws `ConfigurationError`. */
export function readNamedFile(
  path: string,
  what: string,
  { readFile = readTextFile }: { readonly readFile?: (path: string) => string } = {},
): string {
  try {
    return readFile(path);
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
