import type { Config } from '../config/config.ts';
import { RedisConnection } from '../net/redis-connection.ts';
import type { Report } from '../proxy/events.ts';
import type { Inventory } from '../telemetry/inventory/inventory.ts';
import { MemoryInventory } from '../telemetry/inventory/memory-inventory.ts';
import { RedisInventory } from '../telemetry/inventory/redis-inventory.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

/** Starts to connect to the Redis that a configuration names; undefined where it names none. */
export function openRedis({ redis }: Config, report: Report): RedisConnection | undefined {
  if (redis === undefined) return undefined;
  return new RedisConnection({
    ...redis,
    onChange: (isUp, detail) => report({ kind: 'storeChanged', store: 'redis', isUp, detail }),
  });
}

/** Makes the encryption inventory and lets telemetry feed it; undefined where it is turned off. Disposing of it leaves Redis open. */
export function openInventory(
  { inventory: bounds }: Config,
  { redis, telemetry }: { readonly redis: RedisConnection | undefined; readonly telemetry: Telemetry },
): Inventory | undefined {
  if (bounds.retentionMs === 0) return undefined;
  const onLoss = () =>
    telemetry.log.error(
      { event: 'inventoryLoss' },
      'Redis is gone for too long: logins of more clients will be missing from the encryption inventory until it is back',
    );
  const inventory =
    redis === undefined ? new MemoryInventory(bounds) : new RedisInventory({ ...bounds, connection: redis, onLoss });
  telemetry.addConsumer('inventory', (event) => inventory.record(event));
  return inventory;
}
