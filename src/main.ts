#!/usr/bin/env node
import nodeModule from 'node:module';
import { join } from 'node:path';
import { type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';
import { Command, CommanderError, Option } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { type AdminArguments, addAdminOptions } from './commands/admin-options.ts';
import type { AdminAccess } from './commands/admin-request.ts';
import { runAuditTls } from './commands/audit-tls.ts';
import { addBlocksCommand } from './commands/blocks-command.ts';
import { runCheck } from './commands/check.ts';
import { createConfigurationCheck, createConfigurationReader } from './commands/configuration-check.ts';
import {
  ConfigurationError,
  loadConfiguration,
  providerIds,
  readConfigurationFile,
  readNamedFile,
  readTextFile,
} from './commands/configuration-file.ts';
import { exitCodes } from './commands/exit-codes.ts';
import { addHealthCommand } from './commands/health-command.ts';
import { addPermissionsCommand } from './commands/permissions-command.ts';
import type { ProcessFacts } from './commands/postern.ts';
import { nextStopSignal, ProcessSignals } from './commands/process-signals.ts';
import { runProviders } from './commands/providers.ts';
import { UsageError } from './commands/usage-error.ts';
import { isWorkerStart, type WorkerStart } from './commands/workers/messages.ts';
import { CertificateError, verifyCertificateFiles } from './net/certificate-pair.ts';

// What the sources are compiled to is kept where nobody else can write; whatever is imported from here on profits. A bundle
// is compiled before it could say so, and Deno keeps its own: for those the function is not asked, or not there.
if (import.meta.filename.endsWith('.ts')) {
  nodeModule.enableCompileCache?.(join(import.meta.dirname, '../node_modules/.cache/postern'));
}

const { argv, env, stdout, stderr } = process;
// Its script is in no file that a thread could run.
const isSingleExecutable = process.getBuiltinModule?.('node:sea')?.isSea() ?? false;
const isTerminal = stdout.isTTY === true;
const facts: ProcessFacts = {
  version: packageJson.version,
  runtime: process.versions.deno === undefined ? `node ${process.versions.node}` : `deno ${process.versions.deno}`,
  isTerminal,
  useColour: isTerminal && !env.NO_COLOR,
};

// Libraries print what they handle where these debugging variables are set: the tokens of the configuration, secrets
// included, and what is sent to Redis, its password included.
for (const name of ['LOG_TOKENS', 'LOG_STREAM', 'DEBUG']) delete env[name];

/** Runs one command line. Resolves to the exit code. */
async function run(args: readonly string[]): Promise<number> {
  let exitCode: number = exitCodes.fine;
  const program = createProgram((code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    return explainError(error);
  }
}

function createProgram(exit: (code: number) => void): Command {
  const program = new Command('postern')
    .description('A POP3 proxy that enforces TLS: old mail clients in, verified TLS out.')
    .version(packageJson.version)
    .exitOverride()
    .showHelpAfterError('See: postern --help')
    .helpCommand(false)
    .addHelpText('after', '\nExit codes: 0 fine, 1 failed while running, 64 wrong usage, 78 wrong configuration.');
  const configOption = [
    '--config <file>',
    'configuration, - for standard input; default: POSTERN_CONFIG_YAML, else ./postern.yaml, else embedded defaults',
  ] as const;

  program
    .command('serve', { isDefault: true })
    .description('run the proxy')
    .option(...configOption)
    .action(async ({ config }: { config?: string }) => exit(await serve(config)));
  program
    .command('check')
    .description('validate a configuration and print every problem with its path and line')
    .option(...configOption)
    .action(({ config }: { config?: string }) => exit(check(config)));
  program
    .command('probe')
    .description('look an upstream up, dial it, and report TLS, certificate and capabilities')
    .argument('<target>', 'a domain, a mail address, an upstream of the configuration, or host[:port]')
    .option(...configOption)
    .option('--ca <file>', "trust these authorities (PEM) instead of the system's roots")
    .action(async (target: string, options: { config?: string; ca?: string }) => exit(await probe(target, options)));
  program
    .command('providers')
    .description('list the built-in mail providers')
    .argument('[query]', 'an id, a name, a domain or a host, or a part of one')
    .option('--json', 'print them as JSON')
    .action((query: string | undefined, { json }: { json?: true }) => exit(runProviders({ query, json, out: stdout })));
  addInventoryCommand(program, { configOption, exit });
  addBlocksCommand(program, { configOption, exit, openAccess, out: stdout });
  addExplainCommand(program, { configOption, exit });
  program
    .command('audit-tls')
    .description('report the TLS policy in words; exit 1 where anything is weaker than the profile "intermediate"')
    .option(...configOption)
    .action(({ config }: { config?: string }) => exit(auditTls(config)));
  addHealthCommand(program, { configOption, exit, environment: env, stdout });
  addPermissionsCommand(program, { configOption, exit, environment: env, stdout, stderr });
  program
    .command('demo')
    .description('a sandbox upstream, Postern in front, and an old client’s sessions through it, narrated')
    .option('--once', 'end when the story is told')
    .action(async ({ once }: { once?: true }) => exit(await demo(once === true)));
  return program;
}

/** What `postern inventory` is called with. */
interface InventoryArguments extends AdminArguments {
  readonly unencrypted?: true;
  readonly account?: string;
  readonly json?: true;
  readonly csv?: true;
}

function addInventoryCommand(
  program: Command,
  { configOption, exit }: { configOption: readonly [string, string]; exit: (code: number) => void },
): void {
  const command = program
    .command('inventory')
    .description('ask a running Postern who logs in with which encryption, from where, and when last')
    .option('--unencrypted', 'only logins without TLS')
    .option('--account <account>', 'only this account')
    .addOption(new Option('--json', 'print it as JSON').conflicts('csv'))
    .option('--csv', 'print it as CSV');
  addAdminOptions(command)
    .option(...configOption)
    .action(async (options: InventoryArguments) => exit(await inventory(options)));
}

/** What `postern explain` is called with. */
interface ExplainArguments {
  readonly file?: string;
  readonly since: string;
  readonly config?: string;
}

function addExplainCommand(
  program: Command,
  { configOption, exit }: { configOption: readonly [string, string]; exit: (code: number) => void },
): void {
  program
    .command('explain')
    .description('tell from the audit trail what happened to a session, or why an account cannot log in')
    .argument('<subject>', 'a session id or an account')
    .option('--file <file>', "the trail, - for standard input; default: the configuration's")
    .option('--since <duration>', 'how far to look back', '7d')
    .option(...configOption)
    .action(async (subject: string, options: ExplainArguments) => exit(await explain(subject, options)));
}

async function serve(file: string | undefined): Promise<number> {
  const signals = new ProcessSignals(process);
  const source = readConfigurationFile(file, env);
  const config = loadConfiguration(source, env);
  const { runServe } = await import('./commands/serve.ts');
  const { inheritSockets } = await import('./commands/service-manager.ts');
  const { SystemdNotify } = await import('./commands/systemd-notify.ts');
  const { say } = await import('./telemetry/standard-streams.ts');
  const inheritedSockets = inheritSockets(config, { environment: env, pid: process.pid });
  const systemd = new SystemdNotify({ environment: env, pid: process.pid, say });
  return runServe({
    config,
    ...(source === undefined ? {} : { file: source.file }),
    facts: {
      ...facts,
      inheritedSockets,
      ...(!isSingleExecutable && { startWorker: (workerData) => new Worker(new URL(import.meta.url), { workerData }) }),
      checkConfiguration: createConfigurationCheck({ file: source?.file, environment: env }),
      ...(source && {
        configuration: createConfigurationReader({ file: source.file, environment: env, readText: source.readAgain }),
      }),
    },
    say,
    nextStopSignal: async () => {
      const signal = await signals.nextStop();
      systemd.stopping();
      return signal;
    },
    onReady: () => systemd.ready(),
    onReloadSignal: (reload) => signals.onReload(reload),
  });
}

function check(file: string | undefined): number {
  return runCheck({
    config: readConfigurationFile(file, env),
    environment: env,
    readFile: readTextFile,
    providerIds,
    verifyCertificates: verifyCertificateFiles,
    out: (text) => stdout.write(`${text}\n`),
    err: (text) => stderr.write(`${text}\n`),
  });
}

async function probe(target: string, options: { config?: string; ca?: string }): Promise<number> {
  const config = loadConfiguration(readConfigurationFile(options.config, env), env);
  const { runProbe } = await import('./commands/probe.ts');
  return runProbe({
    target,
    config,
    ...(options.ca === undefined ? {} : { ca: readNamedFile(options.ca, 'the authorities') }),
    out: (line) => stdout.write(`${line}\n`),
    nowMs: Date.now(),
  });
}

/** Finds out where a running Postern is asked, and with which token. */
async function openAccess({ config, ca, cert, key, ...given }: AdminArguments): Promise<AdminAccess> {
  const { findAdminAccess } = await import('./commands/admin-client.ts');
  const read = (file: string | undefined, what: string) => (file === undefined ? undefined : readNamedFile(file, what));
  const access = findAdminAccess(given, {
    environmentToken: env.POSTERN_ADMIN_TOKEN,
    loadConfig: () => loadConfiguration(readConfigurationFile(config, env), env),
  });
  return {
    ...access,
    ca: read(ca, 'the authorities'),
    cert: read(cert, 'the certificate'),
    key: read(key, 'the key'),
  };
}

async function inventory(options: InventoryArguments): Promise<number> {
  const { runInventory } = await import('./commands/inventory.ts');
  const access = await openAccess(options);
  const format = options.json ? 'json' : options.csv ? 'csv' : 'table';
  return runInventory({ access, unencrypted: options.unencrypted, account: options.account, format, out: stdout });
}

async function explain(subject: string, { file, since, config }: ExplainArguments): Promise<number> {
  const { runExplain } = await import('./commands/explain.ts');
  // A trail can be read elsewhere than where it was written.
  const isConfigured = file === undefined || config !== undefined;
  const audit = isConfigured ? loadConfiguration(readConfigurationFile(config, env), env).audit : undefined;
  const out = (line: string): void => void stdout.write(`${line}\n`);
  return runExplain({ subject, file, since, audit, input: process.stdin, out, nowMs: Date.now() });
}

function auditTls(file: string | undefined): number {
  const source = readConfigurationFile(file, env);
  return runAuditTls({
    config: loadConfiguration(source, env),
    subject: source?.file ?? 'The embedded defaults',
    nowMs: Date.now(),
    out: (text) => stdout.write(`${text}\n`),
  });
}

async function demo(once: boolean): Promise<number> {
  const { runDemo } = await import('./commands/demo/run-demo.ts');
  const { startDemoPostern } = await import('./commands/demo/demo-postern.ts');
  const interrupted = new AbortController();
  void nextStopSignal(process).then(() => interrupted.abort());
  return runDemo({
    startPostern: (upstream) => startDemoPostern(upstream, facts),
    once,
    out: stdout,
    signal: interrupted.signal,
    columns: stdout.columns ?? 100,
    useColour: facts.useColour,
  });
}

function explainError(error: unknown): number {
  if (error instanceof CommanderError) {
    // Help and version end this way too; their code is 0, and the text is already printed.
    return error.exitCode === 0 ? exitCodes.fine : exitCodes.wrongUsage;
  }
  stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  if (error instanceof UsageError) return exitCodes.wrongUsage;
  const isConfiguration = error instanceof ConfigurationError || error instanceof CertificateError;
  return isConfiguration ? exitCodes.wrongConfiguration : exitCodes.failed;
}

/** This program is its own workers, too: as one file, it has no other. */
async function serveAsWorker(start: WorkerStart, port: MessagePort): Promise<void> {
  const { runWorker } = await import('./commands/workers/thread.ts');
  runWorker(start, port);
}

// No await here: a single executable takes a script alone, in which it cannot stand.
if (parentPort !== null && isWorkerStart(workerData)) {
  void serveAsWorker(workerData, parentPort);
} else {
  void run(argv.slice(2)).then((exitCode) => {
    process.exitCode = exitCode;
  });
}
