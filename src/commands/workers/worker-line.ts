import type { Worker } from 'node:worker_threads';
import { Calls } from './calls.ts';
import type { Answers, ToMain, ToWorker, WorkerStart } from './messages.ts';
import { Outbox } from './outbox.ts';
import type { PackedSettings } from './packed-settings.ts';
import { type DeskParts, WorkerDesk } from './worker-desk.ts';

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
  #error: unknown;

  constructor(worker: Worker, parts: DeskParts) {
    this.#worker = worker;
    this.#outbox = new Outbox((batch) => worker.postMessage(batch));
    this.desk = new WorkerDesk(parts, {
      answer: (call, value) => this.#outbox.send({ kind: 'answer', call, value }),
      onAnswer: (call, value) => this.#calls.answer(call, value),
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

  /** Undefined: it is gone. */
  prepare(settings: PackedSettings): Promise<Answers['prepare'] | undefined> {
    return this.#calls.ask((call) => this.tell({ kind: 'prepare', call, settings }));
  }

  /** Resolves when no session is left, or the worker is gone. */
  drain(timeoutMs: number): Promise<void> {
    return this.#calls.ask((call) => this.tell({ kind: 'drain', call, timeoutMs }));
  }

  /** Resolves when the desk has its status, or the worker is gone. */
  tellStatus(): Promise<void> {
    return this.#calls.ask((call) => this.tell({ kind: 'tellStatus', call }));
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
