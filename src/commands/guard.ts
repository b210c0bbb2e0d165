import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config/config.ts';
import { BlockedSessions } from '../guard/blocked-sessions.ts';
import { createGuard, type LoginGuard, openSharedStore } from '../guard/guard.ts';
import type { PolicyServer, SessionNews } from '../guard/guard-ports.ts';
import { Instances } from '../guard/instances.ts';
import { Journal } from '../guard/journal.ts';
import { SharedManualList } from '../guard/manual-list.ts';
import { MemoryStore } from '../guard/memory-store.ts';
import { RedisManualStore } from '../guard/redis/manual-store.ts';
import { SessionLeases } from '../guard/session-leases.ts';
import { SharedClock } from '../guard/shared-clock.ts';
import type { RedisConnection } from '../net/redis-connection.ts';
import type { ManualEntry } from '../policy/guard/manual-entries.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

/** How long a start waits for what the other instances know; without it Postern starts, and learns it when Redis is there. */
const firstLookMs = 1_000;
/** The channel that the instances talk on, under the key prefix. */
const channelName = 'news';

const journalOverflow =
  'Redis is gone for too long: the oldest login results since then are kept in this process alone, and not told to the others';

/** What a guard stands on. */
export interface GuardParts {
  /** Stays the caller's to close. Absent: this process is alone. */
  readonly redis: RedisConnection | undefined;
  readonly telemetry: Telemetry;
  /** Stays the caller's to close. Absent: nobody else is asked. */
  readonly policyServer?: PolicyServer | undefined;
  /** What logins to an account are counted by, however an operator spells it. */
  readonly countedAs: (account: string) => string;
  /** Cuts a session of this process because an operator wants it; false: it is not open here. */
  readonly endSession: (sessionId: string) => boolean;
}

/** A guard at work. */
export interface OpenGuard extends AsyncDisposable {
  readonly guard: LoginGuard;
  /** Ends a session of any instance, for the admin named `by`. False: it is not open. Never rejects. */
  endSession(sessionId: string, by: string): Promise<boolean>;
}

/** Makes the guard, and with Redis joins the other instances. */
export async function openGuard(config: Pick<Config, 'limits'>, parts: GuardParts): Promise<OpenGuard> {
  const { redis, telemetry, policyServer, countedAs } = parts;
  const blocked = new BlockedSessions((sessionId) => void parts.endSession(sessionId));
  telemetry.addConsumer('blocked sessions', (event) => blocked.record(event));
  const endHere = (sessionId: string, by: string): boolean => {
    const isEnded = parts.endSession(sessionId);
    if (isEnded) telemetry.log.info({ event: 'sessionEnded', session: sessionId, by }, 'An operator ended a session');
    return isEnded;
  };
  return redis === undefined
    ? openAlone(config, { telemetry, policyServer, countedAs, blocked, endHere })
    : joinOthers(config, { redis, telemetry, policyServer, countedAs, blocked, endHere });
}

interface SessionParts {
  readonly telemetry: Telemetry;
  readonly policyServer: PolicyServer | undefined;
  readonly countedAs: (account: string) => string;
  readonly blocked: BlockedSessions;
  readonly endHere: (sessionId: string, by: string) => boolean;
}

function openAlone(
  { limits }: Pick<Config, 'limits'>,
  { telemetry, policyServer, countedAs, blocked, endHere }: SessionParts,
): OpenGuard {
  const { report } = telemetry;
  const onBlock = (entry: ManualEntry): void => blocked.endBlocked(entry);
  const manual = new SharedManualList({ onChange: () => {}, onBlock, report, nowMs: Date.now });
  blocked.watch(manual);
  return {
    guard: createGuard({
      ...{ limits, report, manual, countedAs, sessionNews: blocked },
      ...(policyServer && { policyServer }),
    }),
    endSession: async (sessionId, by) => endHere(sessionId, by),
    [Symbol.asyncDispose]: async () => {},
  };
}

async function joinOthers(
  { limits }: Pick<Config, 'limits'>,
  { redis, telemetry, policyServer, countedAs, blocked, endHere }: SessionParts & { readonly redis: RedisConnection },
): Promise<OpenGuard> {
  const { report, log } = telemetry;
  const clock = new SharedClock();
  const local = new MemoryStore({ limits, nowMs: clock.nowMs });
  const { shared, key } = openSharedStore({ limits, redis, onStoreCall: telemetry.timeStoreCall });
  const journal = new Journal({
    store: shared.store,
    onPlaced: (blocks) => instances.placed(blocks),
    onOverflow: () => log.error({ event: 'journalOverflow' }, journalOverflow),
  });
  const instances: Instances = new Instances({
    channel: redis.channel(channelName),
    manualStore: new RedisManualStore(redis),
    ...{ local, shared: shared.store, journal, key, limits, report, clock, endHere },
    onManualBlock: (entry) => blocked.endBlocked(entry),
    onTrouble: (detail) => log.warn({ event: 'instancesTrouble' }, detail),
  });
  blocked.watch(instances.manual);
  redis.onBack(() => void instances.catchUp());
  const leases = new SessionLeases({ store: shared.store, nowMs: () => performance.now() });
  const guard = createGuard({
    ...{ limits, report, clock, local, shared, key, journal, news: instances, manual: instances.manual },
    ...{ countedAs, sessionNews: tellBoth(blocked, leases) },
    ...(policyServer && { policyServer }),
  });
  const firstLook = Promise.all([key.whenAgreed(), instances.catchUp()]);
  await Promise.race([firstLook, delay(firstLookMs, undefined, { ref: false })]);
  return {
    guard,
    endSession: (sessionId, by) => instances.endSession(sessionId, by),
    [Symbol.asyncDispose]: async () => {
      instances[Symbol.dispose]();
      await leases[Symbol.asyncDispose]();
    },
  };
}

function tellBoth(one: SessionNews, other: SessionNews): SessionNews {
  return {
    opened: (session) => {
      one.opened(session);
      other.opened(session);
    },
    closed: (session) => {
      one.closed(session);
      other.closed(session);
    },
  };
}
