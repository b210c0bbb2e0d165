import type { Inventory, InventoryQuery } from '../../telemetry/inventory/inventory.ts';
import { toCsv } from '../inventory-csv.ts';
import { viewInventoryEntry } from '../inventory-view.ts';

const pageSize = 1_000;

/** All entries that match as CSV, page by page as they are taken. Breaks off where the store does, so that no part is taken for all. */
export function streamInventory(
  inventory: Pick<Inventory, 'list'>,
  query: Omit<InventoryQuery, 'limit' | 'cursor'>,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const titles = toCsv([]);
  let cursor: string | undefined;
  return new ReadableStream({
    start: (controller) => controller.enqueue(encoder.encode(titles)),
    pull: async (controller) => {
      const page = await inventory.list({ ...query, limit: pageSize, ...(cursor !== undefined && { cursor }) });
      const lines = toCsv(page.entries.map(viewInventoryEntry)).slice(titles.length);
      if (lines !== '') controller.enqueue(encoder.encode(lines));
      cursor = page.nextCursor;
      if (cursor === undefined) controller.close();
    },
  });
}
