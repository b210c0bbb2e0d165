import { setImmediate } from 'node:timers/promises';
import { Instances } from '../../src/guard/instances.ts';
import { Journal } from '../../src/guard/journal.ts';
import type { FoundEntry, KnownEntries, ManualStore, StoredEntries } from '../../src/guard/manual-store.ts';
import { MemoryStore } from '../../src/guard/memory-store.ts';
import { SharedClock } from '../../src/guard/shared-clock.ts';
import type { RedisChannel } from '../../src/net/redis-connection.ts';
import type { StoredBlock } from '../../src/policy/guard/facts.ts';
import type { ManualEntry } from '../../src/policy/guard/manual-entries.ts';
import type { LoginLimits } from '../../src/policy/login-limits.ts';
import type { GateEvent } from '../../src/proxy/events.ts';
import { StoreUnavailable } from '../../src/proxy/store-unavailable.ts';

type Listener = Parameters<RedisChannel['listen']>[0];

/** Where several instances meet; each may be cut off from it. */
export class SharedWorld {
  nowMs = 1_800_000_000_000;
  readonly entries = new Map<string, ManualEntry>();
  readonly lifted = new Map<string, number>();
  version: string | undefined;
  readonly listeners = new Map<Access, Listener>();
  /** Everything that was published. */
  readonly messages: string[] = [];
  readonly shared: MemoryStore;
  readonly limits: LoginLimits;

  constructor(limits: LoginLimits) {
    this.limits = limits;
    this.shared = new MemoryStore({ limits, nowMs: () => this.nowMs });
  }

  /** As FLUSHALL does to the entries. */
  flush(): void {
    this.entries.clear();
    this.lifted.clear();
    this.version = undefined;
  }

  publish(text: string): void {
    this.messages.push(text);
    for (const [access, listener] of this.listeners) if (!access.isAway) listener.onMessage(text);
  }
}

/** One instance's way to the shared world. */
export class Access implements ManualStore {
  readonly world: SharedWorld;
  isAway = false;
  /** How often all entries were read. */
  fullReads = 0;

  constructor(world: SharedWorld) {
    this.world = world;
  }

  /** Comes back, and hears that messages may have been missed. */
  comeBack(): void {
    this.isAway = false;
    this.world.listeners.get(this)?.onGap();
  }

  async read({ version, sinceMs }: KnownEntries): Promise<StoredEntries> {
    this.check();
    const { world } = this;
    const isKnown = version !== undefined && version === world.version;
    if (!isKnown) this.fullReads += 1;
    return {
      nowMs: world.nowMs,
      ...(world.version !== undefined && { version: world.version }),
      ...(!isKnown && { entries: new Map(world.entries) }),
      lifted: new Set(Array.from(world.lifted).flatMap(([id, atMs]) => (atMs >= sinceMs ? [id] : []))),
    };
  }

  async find(id: string): Promise<FoundEntry> {
    this.check();
    const entry = this.world.entries.get(id);
    return { ...(entry && { entry }), isLifted: this.world.lifted.has(id) };
  }

  async put(id: string, entry: ManualEntry): Promise<boolean> {
    this.check();
    this.world.entries.set(id, entry);
    this.world.lifted.delete(id);
    this.world.version = crypto.randomUUID();
    return true;
  }

  async bury(id: string): Promise<void> {
    this.check();
    this.world.lifted.set(id, this.world.nowMs);
    if (this.world.entries.delete(id)) this.world.version = crypto.randomUUID();
  }

  async unbury(ids: readonly string[]): Promise<void> {
    this.check();
    for (const id of ids) this.world.lifted.delete(id);
  }

  get channel(): RedisChannel {
    return {
      publish: async (text) => {
        this.check();
        this.world.publish(text);
      },
      listen: (listener) => {
        this.world.listeners.set(this, listener);
      },
    };
  }

  check(): void {
    if (this.isAway) throw new StoreUnavailable('Cannot ask the test: it is away');
  }
}

/** One instance, and what can be seen of it. */
export interface InstanceUnderTest extends Disposable {
  readonly access: Access;
  readonly instances: Instances;
  readonly local: MemoryStore;
  readonly events: readonly GateEvent[];
  readonly troubles: readonly string[];
  /** Manual blocks that it was told of. */
  readonly manualBlocks: readonly ManualEntry[];
  /** Ids of its open sessions; ending one removes it. */
  readonly sessions: Set<string>;
}

/** Starts an instance in a world, with a clock that is ahead of the world's. */
export function startInstance(world: SharedWorld, { skewMs = 0 } = {}): InstanceUnderTest {
  const access = new Access(world);
  const { limits, shared } = world;
  const local = new MemoryStore({ limits, nowMs: () => world.nowMs });
  const events: GateEvent[] = [];
  const troubles: string[] = [];
  const manualBlocks: ManualEntry[] = [];
  const sessions = new Set<string>();
  const guarded = <T>(work: () => Promise<T>): Promise<T> => {
    try {
      access.check();
      return work();
    } catch (error) {
      return Promise.reject(error);
    }
  };
  const instances = new Instances({
    channel: access.channel,
    local,
    shared: {
      listBlocks: () => guarded(() => shared.listBlocks()),
      restoreBlocks: (blocks) => guarded(() => shared.restoreBlocks(blocks)),
      liftBlock: (name) => guarded(() => shared.liftBlock(name)),
    },
    manualStore: access,
    journal: new Journal({ store: shared, onPlaced: () => {}, onOverflow: () => {} }),
    key: { refresh: async () => {} },
    limits,
    report: (event) => events.push(event),
    clock: new SharedClock(() => world.nowMs + skewMs),
    endHere: (sessionId) => sessions.delete(sessionId),
    onManualBlock: (entry) => manualBlocks.push(entry),
    onTrouble: (detail) => troubles.push(detail),
  });
  return {
    access,
    instances,
    local,
    events,
    troubles,
    manualBlocks,
    sessions,
    [Symbol.dispose]: () => instances[Symbol.dispose](),
  };
}

/** Lets everything happen that needs no time. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await setImmediate();
}

/** A block of an address that lasts as long as the limit permits. */
export function addressBlock(world: SharedWorld, subject: string): StoredBlock {
  const untilMs = world.nowMs + world.limits.perAddress.maxBlockMs;
  return { limit: 'perAddress', subject, untilMs, strikes: 1, hasOwners: false };
}
