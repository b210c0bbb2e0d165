import { Buffer } from 'node:buffer';
import type { InventoryPage, InventoryQuery } from './inventory.ts';
import { formatKey, type InventoryEntry, type InventoryKey } from './inventory-entry.ts';

/** Whether everything that a key tells fits the query. */
export function matchesKey(key: InventoryKey, query: InventoryQuery): boolean {
  const { account, listener, transport, isEncrypted, networks = [] } = query;
  return (
    (account === undefined || key.account === account) &&
    (listener === undefined || key.listener === listener) &&
    (transport === undefined || key.transport === transport) &&
    (isEncrypted === undefined || (key.transport !== 'plaintext') === isEncrypted) &&
    networks.every((includes) => includes(key.network))
  );
}

/** Makes a page of entries in order, of which one more than the limit was looked for. */
export function toPage(found: readonly InventoryEntry[], limit: number): InventoryPage {
  const entries = found.slice(0, limit);
  const last = entries.at(-1);
  if (found.length <= limit || last === undefined) return { entries };
  return { entries, nextCursor: Buffer.from(formatKey(last), 'utf8').toString('base64url') };
}

/** The formatted key behind which a page starts; undefined for the first one. */
export function startAfter({ cursor }: InventoryQuery): string | undefined {
  return cursor === undefined ? undefined : Buffer.from(cursor, 'base64url').toString('utf8');
}
