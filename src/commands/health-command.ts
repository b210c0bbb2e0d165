import type { Command } from 'commander';
import { type AdminLocation, locateAdmin } from '../config/admin-location.ts';
import { loadConfiguration, readConfigurationFile, readNamedFile, readTextFile } from './configuration-file.ts';

/** What `postern health` is called with. */
interface HealthArguments {
  readonly url?: string;
  readonly live?: true;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly config?: string;
}

/** Adds `postern health`. */
export function addHealthCommand(
  program: Command,
  options: {
    readonly configOption: readonly [string, string];
    readonly exit: (code: number) => void;
    readonly environment: Readonly<Record<string, string | undefined>>;
    readonly stdout: { write(text: string): unknown };
  },
): void {
  const { configOption, exit, environment, stdout } = options;
  const run = async ({ url, live, config, ca, cert, key }: HealthArguments): Promise<number> => {
    const { findHealthAccess, runHealth } = await import('./health.ts');
    const access = findHealthAccess(url, {
      locate: () => locate(config, environment),
      readFile: (path) => readNamedFile(path, 'the certificate'),
    });
    const given = {
      ...(ca !== undefined && { ca: readNamedFile(ca, 'the authorities') }),
      ...(cert !== undefined && { cert: readNamedFile(cert, 'the certificate') }),
      ...(key !== undefined && { key: readNamedFile(key, 'the key') }),
    };
    const out = (line: string): void => void stdout.write(`${line}\n`);
    return runHealth({ access: { ...access, ...given }, isLive: live === true, out });
  };
  program
    .command('health')
    .description('ask a running Postern whether it is ready for clients; exit 1 where it is not')
    .option('--live', 'it is enough that it lives')
    .option('--url <url>', "its admin address, also unix:/path; default: the configuration's")
    .option('--ca <file>', "trust these authorities (PEM) instead of the system's roots")
    .option('--cert <file>', 'a client certificate (PEM), where it wants one')
    .option('--key <file>', 'its key (PEM)')
    .option(...configOption)
    .action(async (given: HealthArguments) => exit(await run(given)));
}

/** By all of the configuration where that cannot be told otherwise: its problems are then the answer. */
function locate(file: string | undefined, environment: Readonly<Record<string, string | undefined>>): AdminLocation {
  const source = readConfigurationFile(file, environment);
  const location = locateAdmin(source?.text ?? '', {
    file: source?.file ?? '.',
    environment,
    readFile: readTextFile,
  });
  if (location !== undefined) return location;
  const { admin } = loadConfiguration(source, environment);
  return { address: admin, ...(admin.tls && { certificateFile: admin.tls.cert }) };
}
