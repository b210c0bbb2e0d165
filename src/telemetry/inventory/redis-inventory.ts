import type { RedisConnection } from '../../net/redis-connection.ts';
import type { GateEvent } from '../../proxy/events.ts';
import type { Inventory, InventoryBounds, InventoryPage, InventoryQuery } from './inventory.ts';
import { formatKey, type InventoryEntry, type InventoryKey, parseKey, sightingOf } from './inventory-entry.ts';
import { matchesKey, startAfter, toPage } from './inventory-query.ts';
import { PendingSightings } from './pending-sightings.ts';
import { writeScript } from './write-script.ts';

/** Logins are written together once a second: what is lost with a process that is killed is no more than that. */
const writeDelayMs = 1_000;
/** Redis does nothing else meanwhile: 200 sightings take it 2 to 4 ms. */
const maxWritten = 200;
/** More than are written, so that a cap that was lowered is reached in time. */
const maxDropped = 400;
/** Keys looked at in one question: all of 100 000 are a hundred questions of about a millisecond. */
const maxScanned = 1_000;

// One hash tag: a script's keys have to be in one slot of a Cluster.
const slotKey = '{inventory}';
const seenKey = `${slotKey}:seen`;
const keysKey = `${slotKey}:keys`;
const entriesKey = `${slotKey}:entries`;
/** No login waits for the inventory. */
const runOptions = { slotKey, isPatient: true };

/** What the inventory in Redis needs. */
export interface RedisInventoryOptions extends InventoryBounds {
  /** Stays open: it is the caller's to close, after the inventory. */
  readonly connection: Pick<RedisConnection, 'run'>;
  /** Told once for each time that logins are lost because Redis is gone for too long. */
  readonly onLoss: () => void;
  readonly nowMs?: () => number;
}

/**
 * The inventory in Redis, shared by all that use the same key prefix there. It is written behind the logins, which
 * never wait for it. A write whose answer is lost is repeated, so that its logins may count twice.
 */
export class RedisInventory implements Inventory {
  readonly #options: RedisInventoryOptions;
  readonly #nowMs: () => number;
  readonly #pending = new PendingSightings();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #isLossTold = false;
  #isDisposed = false;

  constructor(options: RedisInventoryOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
  }

  record(event: GateEvent): void {
    const sighting = sightingOf(event, this.#nowMs());
    if (sighting === undefined) return;
    this.#keep(sighting);
    this.#writeLater();
  }

  async list(query: InventoryQuery): Promise<InventoryPage> {
    await this.#write();
    const found: InventoryEntry[] = [];
    for await (const keys of this.#scan(query)) {
      for (const entry of await this.#read(keys)) {
        if (entry.lastSeenMs >= (query.sinceMs ?? 0)) found.push(entry);
      }
      if (found.length > query.limit) break;
    }
    return toPage(found, query.limit);
  }

  /** Writes what waits, as far as Redis lets it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#write();
    this.#isDisposed = true;
    clearTimeout(this.#timer);
  }

  #keep(sighting: InventoryEntry): void {
    if (this.#pending.add(sighting) || this.#isLossTold) return;
    this.#isLossTold = true;
    this.#options.onLoss();
  }

  #writeLater(): void {
    if (this.#timer !== undefined || this.#writing !== undefined || this.#isDisposed) return;
    this.#timer = setTimeout(() => void this.#write(), writeDelayMs).unref();
  }

  /** Writes all that waits, up to the first failure. Never rejects. */
  #write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#writeBatches().finally(() => {
      this.#writing = undefined;
      if (this.#pending.size > 0) this.#writeLater();
    });
    return this.#writing;
  }

  async #writeBatches(): Promise<void> {
    while (this.#pending.size > 0) {
      const batch = this.#pending.take(maxWritten);
      try {
        await this.#writeBatch(batch);
      } catch {
        // Whoever opened the connection is told that Redis is gone; this waits for it to come back.
        for (const sighting of batch) this.#keep(sighting);
        return;
      }
    }
    this.#isLossTold = false;
  }

  async #writeBatch(batch: readonly InventoryEntry[]): Promise<void> {
    const { connection, retentionMs, maxEntries } = this.#options;
    const sightings = batch.flatMap((entry) => [
      formatKey(entry),
      entry.firstSeenMs,
      entry.lastSeenMs,
      entry.logins,
      JSON.stringify(entry.tls ?? null),
    ]);
    const keys = [seenKey, keysKey, entriesKey];
    const bounds = [retentionMs, maxEntries, maxDropped];
    await connection.run(
      (client) => client.eval(writeScript, keys.length, ...keys, ...bounds, ...sightings),
      runOptions,
    );
  }

  /** The keys that fit the query, in order and in pieces. */
  async *#scan(query: InventoryQuery): AsyncGenerator<readonly InventoryKey[]> {
    const { connection } = this.#options;
    const { from, to } = keyRange(query);
    let start = from;
    for (;;) {
      const keys = await connection.run(
        (client) => client.zrangebylex(keysKey, start, to, 'LIMIT', 0, maxScanned),
        runOptions,
      );
      yield keys.flatMap((text) => {
        const key = parseKey(text);
        return key !== undefined && matchesKey(key, query) ? [key] : [];
      });
      const last = keys.at(-1);
      if (keys.length < maxScanned || last === undefined) return;
      start = `(${last}`;
    }
  }

  async #read(keys: readonly InventoryKey[]): Promise<readonly InventoryEntry[]> {
    if (keys.length === 0) return [];
    const { connection, retentionMs } = this.#options;
    const texts = await connection.run((client) => client.hmget(entriesKey, ...keys.map(formatKey)), runOptions);
    const expiredMs = this.#nowMs() - retentionMs;
    return keys.flatMap((key, index) => {
      const entry = readEntry(key, texts[index]);
      return entry !== undefined && entry.lastSeenMs > expiredMs ? [entry] : [];
    });
  }
}

/** Where in the order of keys to look. */
function keyRange(query: InventoryQuery): { from: string; to: string } {
  const after = startAfter(query);
  const start = after === undefined ? undefined : `(${after}`;
  if (query.account === undefined) return { from: start ?? '-', to: '+' };
  const prefix = `${JSON.stringify([query.account]).slice(0, -1)},`;
  // A quotation mark follows in each key; this is the character behind it.
  return { from: start ?? `[${prefix}`, to: `(${prefix}#` };
}

function readEntry(key: InventoryKey, text: string | null | undefined): InventoryEntry | undefined {
  const [, first, last, logins, json = ''] = /^(\d+) (\d+) (\d+) (.*)$/.exec(text ?? '') ?? [];
  if (first === undefined) return undefined;
  const tls = readTls(json);
  return {
    ...key,
    ...(tls === undefined ? {} : { tls }),
    firstSeenMs: Number(first),
    lastSeenMs: Number(last),
    logins: Number(logins),
  };
}

function readTls(json: string): InventoryEntry['tls'] {
  try {
    const tls: InventoryEntry['tls'] | null = JSON.parse(json);
    return tls ?? undefined;
  } catch {
    return undefined;
  }
}
