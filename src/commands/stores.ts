import { hostname } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import type { AuditConfig, Config, RedisTlsConfig } from '../config/config.ts';
import { checkCertificatePair, readCertificatePair } from '../net/certificate-pair.ts';
import type { RedisTls } from '../net/redis/redis-options.ts';
import type { RedisConnection } from '../net/redis-connection.ts';
import type { Report } from '../proxy/events.ts';
import { type AuditTrail, openAuditTrail } from '../telemetry/audit/audit-trail.ts';
import type { Inventory } from '../telemetry/inventory/inventory.ts';
import { MemoryInventory } from '../telemetry/inventory/memory-inventory.ts';
import { RedisInventory } from '../telemetry/inventory/redis-inventory.ts';
import { LoginLineWriter } from '../telemetry/login-line-writer.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

/** Starts to connect to the Redis that a configuration names; undefined where it names none. Rejects with `CertificateError`. */
export async function openRedis({ redis }: Config, report: Report): Promise<RedisConnection | undefined> {
  if (redis === undefined) return undefined;
  // Large, and of no use to those without Redis.
  const { RedisConnection } = await import('../net/redis-connection.ts');
  const { tls, sentinel } = redis;
  return new RedisConnection({
    ...redis,
    tls: tls && openTls(tls),
    sentinel: sentinel && { ...sentinel, tls: sentinel.tls && openTls(sentinel.tls) },
    onChange: (isUp, detail) => report({ kind: 'storeChanged', store: 'redis', isUp, detail }),
  });
}

function openTls({ certificate, ...tls }: RedisTlsConfig): RedisTls {
  if (certificate === undefined) return tls;
  const pair = readCertificatePair(certificate);
  checkCertificatePair(pair);
  return { ...tls, certificate: pair };
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
  telemetry.addConsumer('inventory', (event) => inventory.record(event), { kinds: ['loginFinished'] });
  return inventory;
}

/** The audit trail, as the configuration in effect wants it: perhaps none. */
export interface Audit extends Pick<AuditTrail, 'recordChange' | 'reopen'>, AsyncDisposable {
  /** Goes on as another configuration wants it. */
  change(config: AuditConfig): Promise<void>;
}

/** Makes the audit trail and lets telemetry feed it. */
export function openAudit({ audit: config }: Config, telemetry: Telemetry): Audit {
  let trail = startTrail(config, telemetry);
  /** The one that is given up: who asked for that is its last record. */
  let leaving: AuditTrail | undefined;
  return {
    recordChange: (change) => (trail ?? leaving)?.recordChange(change),
    reopen: async () => trail?.reopen(),
    change: async (wanted) => {
      if (trail !== undefined && wanted.to !== 'none') return trail.change(wanted);
      const before = trail;
      telemetry.removeConsumer(auditConsumer);
      trail = startTrail(wanted, telemetry);
      leaving = before;
      await setImmediate();
      leaving = undefined;
      await before?.[Symbol.asyncDispose]();
    },
    [Symbol.asyncDispose]: async () => trail?.[Symbol.asyncDispose](),
  };
}

const auditConsumer = 'audit';

function startTrail(config: AuditConfig, telemetry: Telemetry): AuditTrail | undefined {
  const { log, stream: standardOutput } = telemetry;
  const trail = openAuditTrail({ config, instance: nameOfHost(), log, standardOutput });
  if (trail === undefined) return undefined;
  telemetry.addConsumer(auditConsumer, (event) => trail.record(event));
  telemetry.observeAudit(() => trail.counts);
  return trail;
}

/** Makes the writer of login lines and lets telemetry feed it; undefined where there are to be none. */
export function openLoginLines({ log: { loginLines } }: Config, telemetry: Telemetry): LoginLineWriter | undefined {
  if (loginLines === undefined) return undefined;
  const { log, stream: standardOutput } = telemetry;
  const origin = { hostname: nameOfHost(), processId: process.pid };
  const writer = new LoginLineWriter({ ...loginLines, ...origin, log, standardOutput });
  telemetry.addConsumer('login lines', (event) => writer.record(event), { kinds: ['loginFinished'] });
  return writer;
}

function nameOfHost(): string {
  try {
    return hostname();
  } catch {
    // Deno asks for a permission of its own.
    return 'unknown';
  }
}
