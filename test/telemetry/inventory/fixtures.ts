import { randomUUID } from 'node:crypto';
import { RedisConnection } from '../../../src/net/redis-connection.ts';
import type { GateEvent } from '../../../src/proxy/events.ts';
import type { Inventory, InventoryBounds, InventoryQuery } from '../../../src/telemetry/inventory/inventory.ts';
import { MemoryInventory } from '../../../src/telemetry/inventory/memory-inventory.ts';
import { RedisInventory } from '../../../src/telemetry/inventory/redis-inventory.ts';
import { events } from '../events.ts';

export const dayMs = 86_400_000;
const defaultBounds: InventoryBounds = { retentionMs: 90 * dayMs, maxEntries: 100_000 };

/** An inventory, a clock that a test sets, and what it lost. */
export interface InventoryUnderTest extends AsyncDisposable {
  readonly inventory: Inventory;
  readonly keyPrefix: string;
  nowMs: number;
  losses: number;
}

/** Makes an inventory: in the Redis at `url`, else in memory. Its clock stands at the machine's time. */
export function openInventory({
  url,
  keyPrefix = `${randomUUID()}:`,
  ...bounds
}: {
  readonly url?: string | undefined;
  readonly keyPrefix?: string;
} & Partial<InventoryBounds> = {}): InventoryUnderTest {
  const connection =
    url === undefined ? undefined : new RedisConnection({ url, keyPrefix, timeoutMs: 2_000, onChange: () => {} });
  const options = { ...defaultBounds, ...bounds };
  const nowMs = (): number => tested.nowMs;
  const onLoss = (): void => {
    tested.losses += 1;
  };
  const inventory =
    connection === undefined
      ? new MemoryInventory(options, nowMs)
      : new RedisInventory({ ...options, connection, nowMs, onLoss });
  const tested: InventoryUnderTest = {
    inventory,
    keyPrefix,
    nowMs: Date.now(),
    losses: 0,
    [Symbol.asyncDispose]: async () => {
      await inventory[Symbol.asyncDispose]();
      await connection?.[Symbol.asyncDispose]();
    },
  };
  return tested;
}

const clientTls = { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', isResumed: false };

/** An accepted login under TLS. */
export function encrypted(change: Parameters<typeof events.login>[0] = {}): GateEvent {
  return events.login({ clientTls, ...change });
}

/** An accepted login in the clear. */
export function inTheClear(change: Parameters<typeof events.login>[0] = {}): GateEvent {
  return events.login({ transport: 'plaintext', ...change });
}

/** The accounts of all entries that fit, page by page. */
export async function listAccounts(
  { inventory }: InventoryUnderTest,
  query: Partial<InventoryQuery> = {},
): Promise<readonly string[]> {
  const accounts: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await inventory.list({ limit: 100, ...query, ...(cursor === undefined ? {} : { cursor }) });
    accounts.push(...page.entries.map(({ account }) => account));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return accounts;
}
