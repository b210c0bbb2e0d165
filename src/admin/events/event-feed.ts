import type { GateEvent } from '../../proxy/events.ts';

/** Some minutes of a quiet gate, some seconds of a busy one: for readers that reconnect. A record has about 1 kB. */
const keptEvents = 2_000;
/** Each has a queue of its own; pages and a wall display or two. */
const maxSubscribers = 32;
/** A reader so far behind is cut off: it may come back for what is kept. */
const maxQueued = 500;

/** An event's name, time and words: what its log line says. */
export interface FeedLine {
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** An event that was told. */
export interface FeedRecord {
  /** Grows by one with each event of this process. */
  readonly sequence: number;
  readonly atMs: number;
  readonly event: GateEvent;
}

/** Which events to tell of. */
export type FeedFilter = (record: FeedRecord) => boolean;

/** One reader. */
export interface FeedReader extends Disposable {
  /** The next event, as soon as there is one; undefined: cut off. `idle` where there is none for so long. */
  next(idleMs: number): Promise<FeedRecord | 'idle' | undefined>;
}

/** What a feed is made with. */
export interface EventFeedOptions {
  /** Tells this process's events from those of another. */
  readonly epoch: string;
  /** An event in words; without passwords. */
  readonly describe: (event: GateEvent) => FeedLine;
  readonly nowMs: () => number;
}

/** The latest events, and whoever waits for more. Costs an array slot an event while nobody does. */
export class EventFeed implements Disposable {
  readonly epoch: string;
  readonly describe: (event: GateEvent) => FeedLine;
  readonly #nowMs: () => number;
  readonly #kept: FeedRecord[] = [];
  readonly #readers = new Set<QueueReader>();
  #sequence = 0;
  #isClosed = false;

  constructor({ epoch, describe, nowMs }: EventFeedOptions) {
    this.epoch = epoch;
    this.describe = describe;
    this.#nowMs = nowMs;
  }

  /** Takes an event. Never throws. */
  record(event: GateEvent): void {
    this.#sequence += 1;
    const record: FeedRecord = { sequence: this.#sequence, atMs: this.#nowMs(), event };
    // A ring: the slot of the oldest is taken over.
    this.#kept[(this.#sequence - 1) % keptEvents] = record;
    for (const reader of this.#readers) reader.offer(record);
  }

  /** The kept events behind a sequence number, oldest first. */
  since(sequence: number, filter: FeedFilter = () => true): readonly FeedRecord[] {
    const records: FeedRecord[] = [];
    const oldest = Math.max(1, this.#sequence - keptEvents + 1, sequence + 1);
    for (let each = oldest; each <= this.#sequence; each += 1) {
      const record = this.#kept[(each - 1) % keptEvents];
      if (record !== undefined && filter(record)) records.push(record);
    }
    return records;
  }

  /** How many read it now. */
  get readers(): number {
    return this.#readers.size;
  }

  /** The number of the last event; 0: there was none. */
  get latest(): number {
    return this.#sequence;
  }

  /** The number before the oldest event that is kept. */
  get forgotten(): number {
    return Math.max(0, this.#sequence - keptEvents);
  }

  /** Reads what is kept behind `after`, then what comes; undefined: there are too many readers. */
  subscribe(after: number, filter: FeedFilter): FeedReader | undefined {
    if (this.#isClosed || this.#readers.size >= maxSubscribers) return undefined;
    const reader = new QueueReader(filter, () => this.#readers.delete(reader));
    for (const record of this.since(after, filter)) reader.take(record);
    this.#readers.add(reader);
    return reader;
  }

  /** Cuts all readers off. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const reader of this.#readers) reader[Symbol.dispose]();
  }
}

class QueueReader implements FeedReader {
  readonly #filter: FeedFilter;
  readonly #onEnd: () => void;
  #queue: FeedRecord[] = [];
  #isCutOff = false;
  #wake: () => void = () => {};

  constructor(filter: FeedFilter, onEnd: () => void) {
    this.#filter = filter;
    this.#onEnd = onEnd;
  }

  offer(record: FeedRecord): void {
    if (!this.#filter(record)) return;
    if (this.#queue.length >= maxQueued) {
      this.#queue = [];
      this[Symbol.dispose]();
      return;
    }
    this.take(record);
  }

  /** Of what is kept, all is taken, however much it is. */
  take(record: FeedRecord): void {
    this.#queue.push(record);
    this.#wake();
  }

  async next(idleMs: number): Promise<FeedRecord | 'idle' | undefined> {
    if (this.#queue.length === 0 && !this.#isCutOff) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      // Cleared with each event: at a busy gate they would pile up by the hundred thousand.
      const timer = setTimeout(resolve, idleMs);
      await promise;
      clearTimeout(timer);
      this.#wake = () => {};
    }
    return this.#queue.shift() ?? (this.#isCutOff ? undefined : 'idle');
  }

  [Symbol.dispose](): void {
    this.#isCutOff = true;
    this.#onEnd();
    this.#wake();
  }
}
