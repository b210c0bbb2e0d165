/** What waits for a destination that does not take it; what comes on top is dropped, for mail matters more than its records. */
const maxPendingOctets = 8 * 1024 * 1024;

/** Lines that come close together leave in one write: each write costs more than the line it carries. */
const gatherMs = 50;
const gatheredOctets = 64 * 1024;

/** How long to wait before a destination that failed is tried again. */
const retryMs = 1_000;
const flushTimeoutMs = 1_000;

/** How a destination fares. */
export interface DeliveryObserver {
  /** It takes nothing; lines are kept as long as there is room. Called once until `onRecovered`. */
  onTrouble(error: unknown): void;
  /** There is no room left, and lines are being dropped. Called once until `onRecovered`. */
  onLoss(): void;
  /** It takes lines again; so many were dropped meanwhile, 0 where there was room for all. */
  onRecovered(dropped: number): void;
}

/** What a writer is made of. */
export interface GatheredWriterOptions {
  /**
   * Gives octets to the destination. Resolves to how many it took, from the start; rejects where it took none. Called
   * again only when it has settled.
   */
  readonly deliver: (octets: Uint8Array) => Promise<number>;
  readonly observer: DeliveryObserver;
}

/** Hands lines on in order, gathered, to a destination that may be slow or gone. Nobody waits for it, and its memory is bounded. */
export class GatheredWriter {
  readonly #options: GatheredWriterOptions;
  #pending = '';
  /** Taken from what is pending, and not yet taken by the destination. */
  #batch = Buffer.alloc(0);
  #timer: NodeJS.Timeout | undefined;
  #delivery: Promise<void> | undefined;
  #isInTrouble = false;
  #isProbing = false;
  #isClosed = false;
  #dropped = 0;
  #droppedInAll = 0;

  constructor(options: GatheredWriterOptions) {
    this.#options = options;
  }

  /** How many lines were dropped since the start. */
  get dropped(): number {
    return this.#droppedInAll;
  }

  /** Takes a line with its end, or drops it where there is no room left. Never throws, never waits. */
  write(line: string): void {
    if (this.#isClosed) return;
    // A line fits whole or not at all: one octet a character, but for names beyond ASCII.
    if (this.#batch.length + this.#pending.length + line.length > maxPendingOctets) {
      this.#drop();
      return;
    }
    this.#pending += line;
    if (this.#pending.length >= gatheredOctets && !this.#isInTrouble) void this.#deliver();
    else this.#timer ??= setTimeout(() => void this.#deliver(), gatherMs);
  }

  #drop(): void {
    this.#dropped += 1;
    this.#droppedInAll += 1;
    if (this.#dropped === 1) this.#options.observer.onLoss();
  }

  /** Turns to the destination even if nothing is pending, with no octets: what is wrong with it shows. Resolves as `flush` does. */
  probe(): Promise<void> {
    this.#isProbing = true;
    return this.flush();
  }

  /** Resolves when everything taken so far is delivered or the destination fails, at the latest after a second. */
  async flush(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const deadline = setTimeout(resolve, flushTimeoutMs);
    // What is under way may have begun before the last lines came.
    await Promise.race([promise, this.#deliver().then(() => this.#deliver())]);
    clearTimeout(deadline);
  }

  /**
   * Gives up what is not yet being delivered, for a process that ends all of a sudden and has no time for a delivery.
   * Nothing is taken or delivered any more.
   */
  takeRest(): Uint8Array {
    const batch = this.#delivery === undefined ? this.#batch : Buffer.alloc(0);
    const rest = Buffer.concat([batch, Buffer.from(this.#pending)]);
    this.#isClosed = true;
    clearTimeout(this.#timer);
    return rest;
  }

  /** Delivers what it can within a second; what is left after it is lost. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    await this.flush();
    this.#isClosed = true;
    clearTimeout(this.#timer);
    if (this.#batch.length + this.#pending.length > 0 && this.#dropped === 0) this.#options.observer.onLoss();
  }

  #deliver(): Promise<void> {
    this.#delivery ??= this.#deliverAll().finally(() => {
      this.#delivery = undefined;
    });
    return this.#delivery;
  }

  async #deliverAll(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      while (!this.#isClosed && this.#takeBatch()) {
        this.#batch = this.#batch.subarray(await this.#options.deliver(this.#batch));
        this.#recover();
      }
    } catch (error) {
      if (!this.#isInTrouble) this.#options.observer.onTrouble(error);
      this.#isInTrouble = true;
      clearTimeout(this.#timer);
      // No process goes on for the sake of a destination that fails.
      if (!this.#isClosed) this.#timer = setTimeout(() => void this.#deliver(), retryMs).unref();
    }
  }

  #takeBatch(): boolean {
    if (this.#batch.length === 0 && this.#pending !== '') {
      this.#batch = Buffer.from(this.#pending);
      this.#pending = '';
    }
    const isProbing = this.#isProbing;
    this.#isProbing = false;
    return isProbing || this.#batch.length > 0;
  }

  #recover(): void {
    if (!this.#isInTrouble && this.#dropped === 0) return;
    const dropped = this.#dropped;
    this.#isInTrouble = false;
    this.#dropped = 0;
    this.#options.observer.onRecovered(dropped);
  }
}
