import type { ReloadResult } from '../admin/ports.ts';
import type { ParsedConfig } from '../config/parse.ts';
import { type ConfigProblem, formatProblems } from '../config/problems.ts';
import { CertificateError } from '../net/certificate-pair.ts';
import { ListenError } from '../net/listener.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { keepFixed, listChanges, listWaiting } from './config-changes.ts';
import type { Preparation } from './listening-sockets.ts';
import type { Runtime } from './runtime.ts';

/** What reads the configuration anew: all that `postern check` looks at is looked at. */
export interface ConfigurationReader {
  /** What people know it by. */
  readonly file: string;
  /** Never throws. */
  readonly read: () => ParsedConfig;
}

/** What is reloaded, and who is told. */
export interface ReloaderOptions {
  readonly reader: ConfigurationReader;
  readonly runtime: Runtime;
  /** Whether this Postern lets nobody in any more. */
  readonly isOver: () => boolean;
  readonly telemetry: Pick<Telemetry, 'report'>;
}

const onItsWayOut: ConfigProblem = { path: '', message: 'Postern is on its way out, and lets nobody in any more' };

/** Reads the configuration anew and puts it into effect: all of it, or nothing. */
export class Reloader {
  readonly #options: ReloaderOptions;
  /** What is under way, and what waits for it: whoever asks meanwhile gets the result of that one. */
  #underWay: Promise<ReloadResult> | undefined;
  #next: Promise<ReloadResult> | undefined;

  constructor(options: ReloaderOptions) {
    this.#options = options;
  }

  /** Reloads in the name of an admin token or a signal. Rejects for trouble of our own alone. */
  reload(by: string): Promise<ReloadResult> {
    // Asked for first: between one reload's end and the next one's start there is none under way.
    if (this.#next !== undefined) return this.#next;
    if (this.#underWay === undefined) return this.#start(by);
    this.#next = this.#underWay
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        return this.#start(by);
      });
    return this.#next;
  }

  #start(by: string): Promise<ReloadResult> {
    const underWay = this.#reload(by).finally(() => {
      if (this.#underWay === underWay) this.#underWay = undefined;
    });
    this.#underWay = underWay;
    return underWay;
  }

  async #reload(by: string): Promise<ReloadResult> {
    const { reader, runtime, isOver, telemetry } = this.#options;
    const { report } = telemetry;
    const refuse = (problems: readonly ConfigProblem[]): ReloadResult => {
      report({ kind: 'configurationRejected', by, problems: formatProblems(problems, reader.file).split('\n') });
      return { kind: 'refused', problems };
    };
    if (isOver()) return refuse([onItsWayOut]);
    const read = reader.read();
    if (!read.ok) return refuse(read.problems);
    const before = runtime.settings.config;
    const after = keepFixed({ before, after: read.config });
    const prepared = await this.#prepare(read, runtime.prepare(after));
    if ('path' in prepared) return refuse([prepared]);
    if (isOver()) {
      prepared.abandon();
      return refuse([onItsWayOut]);
    }
    const fingerprints = runtime.fingerprints;
    prepared.apply();
    const named = listChanges({ before, after });
    const areRenewed = fingerprints !== runtime.fingerprints && !named.includes('tls');
    const changes = areRenewed ? [...named, 'tls'] : named;
    const needsRestart = listWaiting({ before, after: read.config });
    report({ kind: 'configurationReloaded', by, changes, needsRestart });
    return { kind: 'reloaded', changes, needsRestart };
  }

  /** What shows only when it is used stands where the configuration asks for it. */
  async #prepare(
    { config, problemAt }: Extract<ParsedConfig, { ok: true }>,
    preparation: Promise<Preparation>,
  ): Promise<Preparation | ConfigProblem> {
    try {
      return await preparation;
    } catch (error) {
      if (error instanceof CertificateError) return problemAt(['tls', 'certificates'], error.message);
      if (!(error instanceof ListenError)) throw error;
      const index = config.listeners.findIndex(({ name }) => name === error.listener);
      return problemAt(['listeners', index, 'address'], error.message);
    }
  }
}
