import { formatAdminAddress } from '../admin/admin-address.ts';
import type { Config } from '../config/config.ts';
import { formatEndpoint } from '../config/endpoint.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { limitHeapGrowth } from './connection-memory.ts';
import { exitCodes } from './exit-codes.ts';
import { permittedFiles, sessionsToLetIn } from './file-limit.ts';
import { type Postern, type ProcessFacts, startPostern } from './postern.ts';

/** What the command needs. */
export interface ServeOptions {
  readonly config: Config;
  /** The file it came from; absent: the embedded defaults. */
  readonly file?: string;
  readonly facts: ProcessFacts;
  /** Prints a line for people to standard error, beside the log. */
  readonly say: (line: string) => void;
  /** Resolves when the process is asked to stop; each later call waits for the next such wish. */
  readonly nextStopSignal: () => Promise<string>;
  /** Is told when clients are served. */
  readonly onReady?: () => void;
  /** Calls back each time that the configuration is to be read anew, and files that were moved away are to be let go. */
  readonly onReloadSignal?: (reload: (signal: string) => void) => void;
}

/** Runs Postern until it is asked to stop, then lets sessions end. Resolves to the exit code. */
export async function runServe({
  config,
  file,
  facts,
  say,
  nextStopSignal,
  onReady,
  onReloadSignal,
}: ServeOptions): Promise<number> {
  const postern = await startPostern(config, facts);
  const { log } = postern.telemetry;
  announce(postern, { log, config, source: file ?? 'embedded defaults' });
  if (postern.madeToken !== undefined) say(`Admin token, made for this run: ${postern.madeToken}`);
  if (file === undefined) greetNewcomer(postern, say);
  onReady?.();
  limitHeapGrowth();
  onReloadSignal?.((reloadSignal) => {
    postern.reload(reloadSignal).catch((error: unknown) => {
      const type = error instanceof Error ? error.name : typeof error;
      log.error(
        { event: 'reloadFailed', type },
        'The configuration could not be read anew: everything stays as it was',
      );
    });
  });

  const signal = await nextStopSignal();
  log.info({ event: 'stopping', signal }, 'Stopping');
  const impatience = new AbortController();
  void nextStopSignal().then(() => impatience.abort());
  await postern.drain(impatience.signal);
  log.info({ event: 'stopped' }, 'Stopped');
  await postern[Symbol.asyncDispose]();
  return exitCodes.fine;
}

function announce(
  { listeners, admin }: Postern,
  { log, config, source }: { log: Telemetry['log']; config: Config; source: string },
): void {
  for (const listener of listeners) {
    log.info(
      { event: 'listening', listener: listener.name, address: formatEndpoint(listener), tls: listener.tls },
      'Listening for mail clients',
    );
  }
  log.info({ event: 'adminListening', address: formatAdminAddress(admin.address) }, 'Admin API and metrics');
  const permitted = permittedFiles();
  const sessions = sessionsToLetIn(config.sessions, permitted);
  if (sessions < config.sessions.maxTotal) {
    log.warn(
      { event: 'filesTooFew', permitted, sessions },
      `No more than ${sessions} sessions are let in: a session takes two open files, and no more are permitted (ulimit -n)`,
    );
  }
  if (config.tls.certificates.length === 0) {
    log.warn(
      { event: 'selfSigned' },
      'No certificate is configured: mail clients are shown a self-signed one, made for this run',
    );
  }
  if (config.redis === undefined) {
    log.info(
      { event: 'limitsInMemory' },
      'No Redis is configured: login limits are kept in memory, for this process alone',
    );
  }
  log.info({ event: 'ready', configuration: source }, 'Ready');
}

function greetNewcomer({ listeners, admin }: Postern, say: (line: string) => void): void {
  const listener = listeners.find(({ tls }) => tls === 'starttls');
  if (listener === undefined) return;
  say(
    `Try it: curl --user you@example.com pop3://${formatEndpoint(listener)}/   (your mail address; the provider is found by its domain)`,
  );
  say(`See it: ${admin.url}/   Next: write postern.yaml, then "postern check"; "postern demo" shows a whole session`);
}
