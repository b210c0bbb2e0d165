import type { InventoryEntry } from '../telemetry/inventory/inventory-entry.ts';

/** An entry as the API shows it. */
export type InventoryEntryView = ReturnType<typeof viewInventoryEntry>;

/** Shows an entry of the inventory. */
export function viewInventoryEntry({ account, network, listener, transport, ...seen }: InventoryEntry) {
  const { tls, firstSeenMs, lastSeenMs, logins } = seen;
  return {
    account,
    network,
    listener,
    transport,
    tlsVersion: tls?.version ?? null,
    cipher: tls?.cipher ?? null,
    keyExchange: tls?.keyExchange ?? null,
    firstSeen: new Date(firstSeenMs).toISOString(),
    lastSeen: new Date(lastSeenMs).toISOString(),
    logins,
  };
}
