import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { RedisConnection } from '../../net/redis-connection.ts';
import { canonicalTarget, type ManualEntry } from '../../policy/guard/manual-entries.ts';
import {
  type FoundEntry,
  type KnownEntries,
  type ManualStore,
  maxLifted,
  maxManualEntries,
  type StoredEntries,
} from '../manual-store.ts';
import { entryKeys } from './entry-keys.ts';
import { buryScript, putEntryScript, readEntriesScript } from './entry-scripts.ts';

import { createScriptRunner, type Script, type ScriptRunner } from './script.ts';

/** Entries without an end outlive every Postern by this. */
const entriesKeptMs = 400 * 86_400_000;
/** An instance that was away for longer may bring back what was lifted meanwhile. */
const liftedKeptMs = 30 * 86_400_000;

const keys = [entryKeys.entries, entryKeys.version, entryKeys.lifted] as const;

const time = z.number().int().nonnegative();
const entrySchema = z.strictObject({
  effect: z.enum(['block', 'allow']),
  target: z.union([z.strictObject({ network: z.string().max(100) }), z.strictObject({ account: z.string().max(400) })]),
  reason: z.string().max(1_000),
  by: z.string().max(1_000),
  addedAtMs: time,
  untilMs: time.optional(),
});
const replySchema = z.tuple([z.number(), z.string().nullable(), z.array(z.string()).nullable(), z.array(z.string())]);

/** Manual entries and what was lifted, in Redis. */
export class RedisManualStore implements ManualStore {
  readonly #connection: Pick<RedisConnection, 'run'>;
  readonly #runScript: ScriptRunner;

  /** The connection stays open: it is the caller's to close. */
  constructor(connection: Pick<RedisConnection, 'run'>) {
    this.#connection = connection;
    this.#runScript = createScriptRunner(connection);
  }

  async read({ version: known = '', sinceMs }: KnownEntries): Promise<StoredEntries> {
    const reply = await this.#run(readEntriesScript, [known, Math.floor(sinceMs), entriesKeptMs]);
    const [nowMs, version, stored, lifted] = replySchema.parse(reply);
    return {
      nowMs,
      ...(version !== null && { version }),
      ...(stored !== null && { entries: readEntries(stored) }),
      lifted: new Set(pairs(lifted).map(([id]) => id)),
    };
  }

  find(id: string): Promise<FoundEntry> {
    return this.#connection.run(
      async (client) => {
        const [stored, liftedAt] = await Promise.all([
          client.hget(entryKeys.entries, id),
          client.zscore(entryKeys.lifted, id),
        ]);
        const entry = stored === null ? undefined : readEntry(stored);
        return { ...(entry && { entry }), isLifted: liftedAt !== null };
      },
      { slotKey: entryKeys.entries, isPatient: true },
    );
  }

  async put(id: string, entry: ManualEntry): Promise<boolean> {
    const args = [id, JSON.stringify(entry), maxManualEntries, newVersion(), entriesKeptMs];
    const [isPut] = await this.#run(putEntryScript, args);
    return isPut === 1;
  }

  async bury(id: string): Promise<void> {
    await this.#run(buryScript, [id, maxLifted, liftedKeptMs, newVersion()]);
  }

  async unbury(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const options = { slotKey: entryKeys.lifted, isPatient: true };
    await this.#connection.run((client) => client.zrem(entryKeys.lifted, ...ids), options);
  }

  /** No login waits for any of this. */
  #run(script: Script, args: readonly (string | number)[]): Promise<readonly unknown[]> {
    return this.#runScript(script, { keys, args, isPatient: true });
  }
}

/** Unlike a counter it does not start again where Redis lost everything. */
function newVersion(): string {
  return randomBytes(8).toString('hex');
}

function readEntries(stored: readonly string[]): ReadonlyMap<string, ManualEntry> {
  const entries = new Map<string, ManualEntry>();
  for (const [id, text] of pairs(stored)) {
    const entry = readEntry(text);
    if (entry !== undefined) entries.set(id, entry);
  }
  return entries;
}

/** What a newer version wrote in another form, or somebody else, is left alone. */
function readEntry(text: string): ManualEntry | undefined {
  try {
    const { untilMs, target, ...entry } = entrySchema.parse(JSON.parse(text));
    const canonical = canonicalTarget(target);
    return canonical && { ...entry, target: canonical, ...(untilMs !== undefined && { untilMs }) };
  } catch {
    return undefined;
  }
}

function pairs(flat: readonly string[]): [string, string][] {
  const found: [string, string][] = [];
  for (let index = 0; index + 1 < flat.length; index += 2) found.push([flat[index] ?? '', flat[index + 1] ?? '']);
  return found;
}
