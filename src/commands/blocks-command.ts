import { type Command, Option } from 'commander';
import { type AdminArguments, addAdminOptions } from './admin-options.ts';
import type { AdminAccess } from './admin-request.ts';

/** What the command is wired to. */
interface BlocksWiring {
  readonly configOption: readonly [string, string];
  readonly exit: (code: number) => void;
  readonly openAccess: (given: AdminArguments) => Promise<AdminAccess>;
  readonly out: { write(text: string): unknown };
}

interface ListArguments extends AdminArguments {
  readonly account?: string;
  readonly address?: string;
  readonly json?: true;
}

interface AddArguments extends AdminArguments {
  readonly network?: string;
  readonly account?: string;
  readonly allow?: true;
  readonly reason: string;
  readonly for?: string;
  readonly json?: true;
}

/** Adds `postern blocks list|add|lift`. */
export function addBlocksCommand(program: Command, { configOption, exit, openAccess, out }: BlocksWiring): void {
  const blocks = program.command('blocks').description('the login blocks of a running Postern').helpCommand(false);
  const shared = (command: Command): Command => addAdminOptions(command).option(...configOption);

  shared(blocks.command('list', { isDefault: true }))
    .description('blocks in force and entries of operators, those that end last first')
    .option('--account <account>', 'only what concerns this account')
    .option('--address <address>', 'only what concerns this address')
    .option('--json', 'print them as JSON')
    .action(async ({ account, address, json, ...given }: ListArguments) => {
      const { runBlocksList } = await import('./blocks.ts');
      exit(await runBlocksList({ access: await openAccess(given), account, address, json, out }));
    });

  shared(blocks.command('add'))
    .description('block a network or an account, or exempt it from the automatic limits')
    .addOption(new Option('--network <cidr>', 'an address, or a network such as 192.0.2.0/24').conflicts('account'))
    .option('--account <account>', 'an account, or *@example.com for all of a domain')
    .option('--allow', 'exempt it instead of blocking it')
    .requiredOption('--reason <text>', 'why; other operators read it')
    .option('--for <duration>', 'such as 30m, 12h or 7d; without, until it is lifted')
    .option('--json', 'print it as JSON')
    .action(async ({ network, account, allow, reason, for: length, json, ...given }: AddArguments) => {
      const { runBlocksAdd } = await import('./blocks.ts');
      const entry = { network, account, effect: allow ? 'allow' : 'block', reason, length } as const;
      exit(await runBlocksAdd({ access: await openAccess(given), entry, json, out }));
    });

  shared(blocks.command('lift'))
    .description('lift a block or take an entry back')
    .argument('<block>', 'its id, or its subject: an address, a network or an account, which lifts all about just that')
    .action(async (block: string, given: AdminArguments) => {
      const { runBlocksLift } = await import('./blocks.ts');
      exit(await runBlocksLift({ access: await openAccess(given), block, out }));
    });
}
