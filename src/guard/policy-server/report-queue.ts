/** A second of logins on a busy day, and half a megabyte. */
const maxWaiting = 1_000;
/** Few enough to leave connections to the questions that logins wait for. */
const maxSending = 8;
const retryMs = 500;
const closeTimeoutMs = 1_000;

/** How many reports there were since the start. */
export interface ReportCounts {
  readonly sent: number;
  /** Those that found no room, or failed. */
  readonly lost: number;
}

/** What a queue is made of. */
export interface ReportQueueOptions {
  /** Whether it is worth a try now; asked before each report. */
  readonly maySend: () => boolean;
  /** Resolves to whether the report was taken. Never rejects. */
  readonly send: (report: string) => Promise<boolean>;
  /** Called once until all that waited is sent. */
  readonly onLoss: () => void;
}

/** Sends reports behind the logins, a few at a time; where too many wait, the oldest are given up. */
export class ReportQueue implements AsyncDisposable {
  readonly #options: ReportQueueOptions;
  readonly #waiting: string[] = [];
  readonly #sending = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #sent = 0;
  #lost = 0;
  #isLosing = false;
  #isClosed = false;

  constructor(options: ReportQueueOptions) {
    this.#options = options;
  }

  get counts(): ReportCounts {
    return { sent: this.#sent, lost: this.#lost };
  }

  /** Never throws, never waits. */
  add(report: string): void {
    if (this.#isClosed) return;
    this.#waiting.push(report);
    if (this.#waiting.length > maxWaiting) {
      this.#waiting.shift();
      this.#lose();
    }
    this.#sendWaiting();
  }

  #sendWaiting(): void {
    while (this.#waiting.length > 0 && this.#sending.size < maxSending) {
      if (!this.#options.maySend()) {
        this.#timer ??= setTimeout(() => {
          this.#timer = undefined;
          this.#sendWaiting();
        }, retryMs);
        return;
      }
      const report = this.#waiting.shift();
      if (report === undefined) return;
      const sending = this.#send(report).finally(() => {
        this.#sending.delete(sending);
        this.#sendWaiting();
      });
      this.#sending.add(sending);
    }
    if (this.#waiting.length === 0 && this.#sending.size === 0) this.#isLosing = false;
  }

  async #send(report: string): Promise<void> {
    if (await this.#options.send(report)) this.#sent += 1;
    else this.#lose();
  }

  #lose(): void {
    this.#lost += 1;
    if (this.#isLosing) return;
    this.#isLosing = true;
    this.#options.onLoss();
  }

  /** Sends what it can within a second. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const deadline = setTimeout(resolve, closeTimeoutMs);
    while (this.#sending.size > 0) {
      const first = await Promise.race([late.then(() => 'late' as const), ...this.#sending]);
      if (first === 'late') break;
    }
    clearTimeout(deadline);
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
  }
}
