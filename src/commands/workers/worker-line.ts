import type { Worker } from 'node:worker_threads';
import { Calls } from './calls.ts';
import type { Answers, ToMain, ToWorker, WorkerStart } from './messages.ts';
import { Outbox } from './outbox.ts';
import type { PackedSettings } from './packed-settings.ts';
import { type DeskParts, WorkerDesk } from './worker-desk.ts';

/** How much longer than its sessions may take a worker may take to say that they have ended. */
const hangMs = 5_000;

/** How long a worker may take to start, or to get ready for other settings. */
const prepareTimeoutMs = 30_000;

/** Starts a thread that is told this as its `workerData`. */
export type StartWorker = (start: WorkerStart) => Worker;

/** How a worker ended. */
export interface WorkerLoss {
  /** Its sessions that ended with it. */
  readonly sessions: number;
  /** Absent: it was told to end. */
  readonly error?: unknown;
  readonly livedMs: number;
}

/** The main thread's end of one worker. */
export class WorkerLine {
  readonly #worker: Worker;
  readonly #outbox: Outbox<ToWorker>;
  readonly #calls = new Calls();
  readonly #startedAtMs = performance.now();
  readonly #gone = Promise.withResolvers<WorkerLoss>();
  /** Where the worker is listened to. */
  readonly desk: WorkerDesk;
  readonly #listening = Promise.withResolvers<void>();
  #error: unknown;
  #isServing = false;
  /** Ends when what it was got ready for is applied or abandoned. */
  #turn: Promise<void> = Promise.resolve();
  #endTurn: () => void = () => {};

  constructor(worker: Worker, parts: DeskParts) {
    this.#worker = worker;
    // What is sent to a thread that does not listen yet is lost on Deno.
    this.#outbox = new Outbox((batch) => void this.#listening.promise.then(() => worker.postMessage(batch)));
    this.desk = new WorkerDesk(parts, {
      answer: (call, value) => this.#outbox.send({ kind: 'answer', call, value }),
      onAnswer: (call, value) => this.#calls.answer(call, value),
      onListening: () => this.#listening.resolve(),
    });
    worker.on('message', (batch: readonly ToMain[]) => this.desk.hear(batch));
    worker.on('error', (error) => {
      this.#error = error;
    });
    worker.once('exit', () => this.#end());
  }

  /** Resolves when the worker is gone, whatever the cause. */
  get gone(): Promise<WorkerLoss> {
    return this.#gone.promise;
  }

  tell(message: ToWorker): void {
    this.#outbox.send(message);
  }

  /** Whether it serves clients, or was told to. */
  get isServing(): boolean {
    return this.#isServing;
  }

  /**
   * Has it get ready to serve by these settings, behind whatever it was got ready for before. Once it is, the next one waits
   * until `apply` or `abandon`. Undefined: it is gone.
   */
  async prepare(settings: PackedSettings): Promise<Answers['prepare'] | undefined> {
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    await before;
    this.#endTurn = resolve;
    const hangs = setTimeout(() => void this.terminate(), prepareTimeoutMs);
    const answer = await this.#calls.ask<Answers['prepare'] | undefined>((call) =>
      this.tell({ kind: 'prepare', call, settings }),
    );
    clearTimeout(hangs);
    if (answer === undefined || answer.failure !== undefined) resolve();
    return answer;
  }

  apply(): void {
    this.#isServing = true;
    this.tell({ kind: 'apply' });
    this.#endTurn();
  }

  abandon(): void {
    this.tell({ kind: 'abandon' });
    this.#endTurn();
  }

  /** Resolves when no session is left, or the worker is gone. One that hangs is ended. */
  async drain(timeoutMs: number): Promise<void> {
    const hangs = setTimeout(() => void this.terminate(), timeoutMs + hangMs);
    await this.#calls.ask((call) => this.tell({ kind: 'drain', call, timeoutMs }));
    clearTimeout(hangs);
  }

  /** Resolves when the desk has its status, or the worker is gone. */
  async tellStatus(): Promise<void> {
    await this.#calls.ask((call) => this.tell({ kind: 'tellStatus', call }));
  }

  /** Ends the thread, and all that it holds. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #end(): void {
    this.#calls.end();
    const sessions = this.desk.lose();
    const livedMs = performance.now() - this.#startedAtMs;
    this.#gone.resolve({ sessions, livedMs, ...(this.#error !== undefined && { error: this.#error }) });
  }
}
