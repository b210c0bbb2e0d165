import type { Command } from 'commander';

/** How a command says which running Postern it asks. */
export interface AdminArguments {
  readonly url?: string;
  readonly token?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly config?: string;
}

/** Adds the options of a command that asks a running Postern, but for `--config`. */
export function addAdminOptions(command: Command): Command {
  return command
    .option('--url <url>', "its admin address, also unix:/path; default: the configuration's")
    .option('--token <token>', "a token of its admin API; default: POSTERN_ADMIN_TOKEN, else the configuration's first")
    .option('--ca <file>', "trust these authorities (PEM) instead of the system's roots")
    .option('--cert <file>', 'a client certificate (PEM), where it wants one')
    .option('--key <file>', 'its key (PEM)');
}
