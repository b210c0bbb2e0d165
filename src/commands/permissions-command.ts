import type { Command } from 'commander';
import { readConfigurationFile } from './configuration-file.ts';

/** What `postern permissions` is called with. */
interface PermissionsArguments {
  readonly config?: string;
  readonly demo?: true;
  readonly json?: true;
}

/** Adds `postern permissions`. */
export function addPermissionsCommand(
  program: Command,
  options: {
    readonly configOption: readonly [string, string];
    readonly exit: (code: number) => void;
    readonly environment: Readonly<Record<string, string | undefined>>;
    readonly stdout: { write(text: string): unknown };
    readonly stderr: { write(text: string): unknown };
  },
): void {
  const { configOption, exit, environment, stdout, stderr } = options;
  const run = async ({ config, demo, json }: PermissionsArguments): Promise<number> => {
    const { runPermissions } = await import('./permissions.ts');
    const isDemo = demo === true;
    return runPermissions({
      source: isDemo ? undefined : readConfigurationFile(config, environment),
      environment,
      isDemo,
      isJson: json === true,
      out: (text) => stdout.write(`${text}\n`),
      err: (text) => stderr.write(`${text}\n`),
    });
  };
  program
    .command('permissions')
    .description('print the permissions that Deno must give for a configuration, as arguments of deno run')
    .option(...configOption)
    .option('--demo', "the demo's instead")
    .option('--json', 'print them as JSON')
    .action(async (given: PermissionsArguments) => exit(await run(given)));
}
