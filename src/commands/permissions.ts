import { resolve } from 'node:path';
import { pageFiles } from '../admin/pages/page-files.ts';
import type { Config } from '../config/config.ts';
import {
  ConfigurationError,
  type ConfigurationFile,
  loadConfiguration,
  readTextFile,
  textVariable,
} from './configuration-file.ts';
import {
  type ConfigurationUse,
  type DenoPermissions,
  demoPermissions,
  denoFlags,
  permissionsFor,
  unknownServers,
} from './deno-permissions.ts';
import { exitCodes } from './exit-codes.ts';

/** What the command needs. */
export interface PermissionsOptions {
  /** Undefined: the embedded defaults. */
  readonly source: ConfigurationFile | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether the demo is asked about, which needs no configuration. */
  readonly isDemo: boolean;
  readonly isJson: boolean;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Prints the permissions that Deno must give, as arguments or as JSON. Throws `ConfigurationError`. */
export function runPermissions(options: PermissionsOptions): number {
  const { isDemo, isJson, out, err } = options;
  const { permissions, config } = isDemo ? { permissions: demoPermissions } : findPermissions(options);
  const flags = denoFlags(permissions);
  const splitting = isJson ? undefined : flags.find((each) => /\s/.test(each));
  if (splitting !== undefined) {
    // A shell would make more arguments of it, perhaps one that permits everything.
    const [name = ''] = splitting.split('=');
    throw new ConfigurationError(
      `Cannot print ${name} as arguments: a value of it has a blank, and a shell would split it; use --json, or other paths`,
    );
  }
  out(isJson ? JSON.stringify({ flags, ...permissions }, null, 2) : flags.join(' '));
  for (const servers of config === undefined ? [] : unknownServers(config)) err(`Add to --allow-net: ${servers}`);
  return exitCodes.fine;
}

function findPermissions({ source, environment }: PermissionsOptions): {
  readonly permissions: DenoPermissions;
  readonly config: Config;
} {
  const variables = new Set<string>();
  const files = new Set<string>();
  const config = loadConfiguration(source, recordNames(environment, variables), {
    readFile: (path) => {
      files.add(path);
      return readTextFile(path);
    },
  });
  const used: ConfigurationUse = {
    files: [...placesOf(source).files, ...files, ...pageFiles(), ...(config.workers === 1 ? [] : programFiles())],
    variables: [...placesOf(source).variables, ...variables],
  };
  return { permissions: permissionsFor(config, used), config };
}

/** Deno lets a program run itself in a thread only where it may read itself: one file, or the sources. */
function programFiles(): readonly string[] {
  // A single executable has these two, and no `import.meta` as a whole.
  const file = import.meta.filename;
  const directory = import.meta.dirname;
  return file.endsWith('.ts') ? [resolve(directory, '..'), resolve(directory, '../../package.json')] : [file];
}

/** Where the configuration itself is looked for. */
function placesOf(source: ConfigurationFile | undefined): ConfigurationUse {
  if (source === undefined) return { files: [resolve('postern.yaml')], variables: [] };
  if (source.origin === 'file') return { files: [resolve(source.file)], variables: [] };
  return { files: [], variables: source.origin === 'environment' ? [textVariable] : [] };
}

/** The same variables; the names of those that are asked for are added to `names`, whether they are set or not. */
function recordNames(
  environment: PermissionsOptions['environment'],
  names: Set<string>,
): PermissionsOptions['environment'] {
  return new Proxy(environment, {
    getOwnPropertyDescriptor: (variables, name) => {
      if (typeof name === 'string') names.add(name);
      return Reflect.getOwnPropertyDescriptor(variables, name);
    },
  });
}
