import type { Logger } from 'pino';
import { CertificateError, type CertificatePair } from '../../net/certificate-pair.ts';
import { ListenError } from '../../net/listener.ts';
import type { ReadyCounts } from '../../net/ready-connections.ts';
import type { CloseReason } from '../../proxy/events.ts';
import { describeError } from '../../telemetry/log-line.ts';
import type { ThreadLoad, WorkersView } from '../../telemetry/worker-metrics.ts';
import type { Front, FrontSettings } from '../front.ts';
import { addressOf, type OpenListener, type Preparation } from '../listening-sockets.ts';
import { claimAddresses } from './held-addresses.ts';
import type { PreparationFailure, WorkerStart } from './messages.ts';
import { type PackedSettings, packSettings } from './packed-settings.ts';
import { ReadyTotals } from './ready-totals.ts';
import { restartDelayMs } from './restart-delay.ts';
import type { DeskParts } from './worker-desk.ts';
import { type StartWorker, WorkerLine, type WorkerLoss } from './worker-line.ts';

/** A scrape does not wait longer for a worker that is busy: its numbers are then those of the last second. */
const statusTimeoutMs = 250;

/** What serving in several threads takes. */
export interface WorkerFrontOptions extends DeskParts {
  readonly count: number;
  readonly startWorker: StartWorker;
  readonly idPrefix: string;
  readonly ticketKeys: Uint8Array;
  readonly log: Pick<Logger, 'error' | 'info'>;
  /** The main thread's own, since it was asked for last. */
  readonly takeLoad: () => ThreadLoad;
}

interface Slot {
  readonly index: number;
  line: WorkerLine | undefined;
  /** Losses in quick succession. */
  failures: number;
  restart?: NodeJS.Timeout;
}

/** What all workers serve by now. */
interface Served {
  readonly packed: PackedSettings;
  readonly ports: ReadonlyMap<string, number>;
  readonly listeners: readonly OpenListener[];
}

/**
 * Serves clients in several threads, among which the kernel deals connections out. What there is one of stays in the main
 * thread. A worker that is lost is replaced; its sessions are gone with it.
 */
export class WorkerFront implements Front {
  readonly #options: WorkerFrontOptions;
  readonly #slots: readonly Slot[];
  readonly #ready = new ReadyTotals();
  #served: Served | undefined;
  #isOpen = true;
  #isEnding = false;
  #lastTag = 0;
  #restarts = 0;
  #ownLoad: ThreadLoad | undefined;

  /** The workers start with the first preparation. */
  constructor(options: WorkerFrontOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.count }, (_, index) => ({ index, line: undefined, failures: 0 }));
  }

  listListeners(): readonly OpenListener[] {
    return this.#served?.listeners ?? [];
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  async prepare(settings: FrontSettings, pairs: readonly CertificatePair[]): Promise<Preparation> {
    const claimed = await claimAddresses(settings.config.listeners, {
      ports: this.#served?.ports ?? new Map(),
      open: this.listListeners(),
    });
    const { listeners } = claimed;
    const packed = packSettings(settings, { listeners, pairs });
    if (this.#served === undefined) for (const slot of this.#slots) this.#start(slot, packed);
    const lines = this.#lines();
    const prepared = new Set<WorkerLine>();
    const failures = await Promise.all(
      lines.map(async (line) => {
        const answer = await line.prepare(packed);
        if (answer !== undefined && answer.failure === undefined) prepared.add(line);
        // One that is lost meanwhile is replaced, and its successor told; but the first ones have to stand.
        if (answer === undefined) return this.#served === undefined ? unableToStart(await line.gone) : undefined;
        return answer.failure && toError(answer.failure);
      }),
    );
    claimed.release();
    const abandon = (): void => {
      for (const line of prepared) line.abandon();
    };
    const failure = failures.find((each) => each !== undefined);
    if (failure !== undefined) {
      abandon();
      throw failure;
    }
    const ports = new Map(
      settings.config.listeners.map((each, index) => [addressOf(each), listeners[index]?.port ?? 0]),
    );
    const open = listeners.map(({ name, host, port, tls }) => ({ name, host, port, tls }));
    return { apply: () => this.#apply({ packed, ports, listeners: open }, prepared), abandon };
  }

  #apply(served: Served, prepared: ReadonlySet<WorkerLine>): void {
    this.#served = served;
    for (const slot of this.#slots) {
      if (slot.line === undefined) this.#startLater(slot);
      else if (prepared.has(slot.line)) slot.line.apply();
      else void this.#bringIn(slot.line, served);
    }
  }

  /** Has a worker serve as the others do. One that cannot is ended, and so replaced. */
  async #bringIn(line: WorkerLine, { packed }: Served): Promise<void> {
    const answer = await line.prepare(packed);
    if (answer === undefined) return;
    if (answer.failure === undefined) {
      if (!this.#isOpen) {
        line.abandon();
        return;
      }
      line.apply();
      // Meanwhile there may be another configuration, or a renewed certificate.
      if (this.#served !== undefined && this.#served.packed !== packed) await this.#bringIn(line, this.#served);
      return;
    }
    const { kind: reason, message: detail } = answer.failure;
    this.#options.log.error({ event: 'workerTrouble', reason, detail }, 'A worker cannot serve, and is started again');
    await line.terminate();
  }

  #start(slot: Slot, settings: PackedSettings): WorkerLine {
    const { startWorker, count, idPrefix, ticketKeys } = this.#options;
    this.#lastTag += 1;
    const start: WorkerStart = {
      ...{ role: 'postern worker', index: slot.index, count, idPrefix, ticketKeys, settings },
      idTag: `${this.#lastTag.toString(36)}.`,
    };
    const line = new WorkerLine(startWorker(start), this.#options);
    slot.line = line;
    void line.gone.then((loss) => this.#onGone(slot, { line, loss }));
    return line;
  }

  #onGone(slot: Slot, { line, loss }: { readonly line: WorkerLine; readonly loss: WorkerLoss }): void {
    slot.line = undefined;
    this.#ready.retire(line.desk.ready);
    if (this.#isEnding || this.#served === undefined) return;
    const { error, sessions } = loss;
    const why = error === undefined ? {} : { error: describeError(error) };
    this.#options.log.error(
      { event: 'workerLost', worker: slot.index, sessions, ...why },
      'A worker was lost with its sessions, and is replaced',
    );
    slot.failures = restartDelayMs.isSteady(loss.livedMs) ? 0 : slot.failures + 1;
    if (this.#isOpen) this.#startLater(slot);
  }

  #startLater(slot: Slot): void {
    clearTimeout(slot.restart);
    slot.restart = setTimeout(() => this.#restart(slot), restartDelayMs.after(slot.failures));
  }

  #restart(slot: Slot): void {
    if (this.#served === undefined || this.#isEnding || slot.line !== undefined) return;
    this.#restarts += 1;
    const line = this.#start(slot, this.#served.packed);
    this.#options.log.info(
      { event: 'workerStarted', worker: slot.index },
      'A worker was started in the place of one that was lost',
    );
    void this.#bringIn(line, this.#served);
  }

  #lines(): readonly WorkerLine[] {
    return this.#slots.flatMap(({ line }) => line ?? []);
  }

  showCertificate(index: number, pair: CertificatePair): void {
    if (this.#served !== undefined) {
      const { packed } = this.#served;
      this.#served = { ...this.#served, packed: { ...packed, pairs: packed.pairs.with(index, pair) } };
    }
    for (const line of this.#lines()) line.tell({ kind: 'showCertificate', index, pair });
  }

  end(sessionId: string, reason: CloseReason): boolean {
    const line = this.#lines().find(({ desk }) => desk.has(sessionId));
    line?.tell({ kind: 'end', sessionId, reason });
    return line !== undefined;
  }

  close(): void {
    this.#isOpen = false;
    for (const { restart } of this.#slots) clearTimeout(restart);
    for (const line of this.#lines()) line.tell({ kind: 'close' });
  }

  async drain({ timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal }): Promise<void> {
    const hurry = (): void => {
      for (const line of this.#lines()) line.tell({ kind: 'hurry' });
    };
    signal?.addEventListener('abort', hurry, { once: true });
    if (signal?.aborted) hurry();
    await Promise.all(this.#lines().map((line) => line.drain(timeoutMs)));
    signal?.removeEventListener('abort', hurry);
  }

  listReadyConnections(): Iterable<ReadyCounts> {
    return this.#ready.sum(this.#lines().map(({ desk }) => desk.ready));
  }

  get lateMs(): number {
    return Math.max(0, ...this.#lines().map(({ desk }) => desk.lateMs));
  }

  /** What the metrics show. */
  view(): WorkersView {
    return {
      counts: () => {
        const running = this.#lines().filter(({ isServing }) => isServing).length;
        return { running, starting: this.#slots.length - running };
      },
      restarts: () => this.#restarts,
      loads: () => [
        ...(this.#ownLoad === undefined ? [] : [this.#ownLoad]),
        ...this.#lines().flatMap(({ desk }) => desk.load ?? []),
      ],
      refresh: () => this.#refresh(),
    };
  }

  async #refresh(): Promise<void> {
    this.#ownLoad = this.#options.takeLoad();
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, statusTimeoutMs);
    await Promise.race([late, Promise.all(this.#lines().map((line) => line.tellStatus()))]);
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.drain({ timeoutMs: 0 });
    this.#isEnding = true;
    await Promise.all(this.#lines().map((line) => line.terminate()));
  }
}

function unableToStart({ error }: WorkerLoss): Error {
  const why = error instanceof Error ? error.message : 'its thread ended';
  return new Error(`Cannot start a worker: ${why}`, { cause: error });
}

function toError({ kind, message, listener = '', code }: PreparationFailure): Error {
  if (kind === 'certificate') return new CertificateError(message);
  if (kind === 'other') return new Error(message);
  const cause = code === undefined ? undefined : Object.assign(new Error(code), { code });
  return new ListenError(message, { listener, cause });
}
