import type { RedisConnection } from '../net/redis-connection.ts';
import type { EntryTarget } from '../policy/guard/manual-entries.ts';
import { limitedAccount } from '../policy/limit-subjects.ts';
import type { LimitName, LoginLimits } from '../policy/login-limits.ts';
import type { Report } from '../proxy/events.ts';
import type { Guard } from '../proxy/ports.ts';
import { type Block, describeBlock } from './block.ts';
import { parseBlockId } from './block-id.ts';
import type { BlockNews, ManualList, NewEntry, PolicyServer, SessionNews, SettlementJournal } from './guard-ports.ts';
import type { AccountFacts } from './guard-store.ts';
import { HashKey } from './hash-key.ts';
import { LayeredStore, type SharedStore } from './layered-store.ts';
import { LiveAccounts } from './live-accounts.ts';
import { SharedManualList } from './manual-list.ts';
import { MemoryStore } from './memory-store.ts';
import { agreeOnHashKey } from './redis/hash-key.ts';
import { RedisStore } from './redis/redis-store.ts';
import { SharedClock } from './shared-clock.ts';
import { StoreGuard } from './store-guard.ts';
import { type OnStoreCall, timedStore } from './timed-store.ts';

/** Where the limits are kept, and whether that place answers. */
export interface StoreHealth {
  readonly kind: 'redis' | 'memory';
  readonly isUp: boolean;
}

/** What the guard knows of an account. */
export interface AccountView extends AccountFacts {
  /** Operators' entries about it. */
  readonly entries: readonly Block[];
  /** The shared store is away: this is what this instance knows. */
  readonly local: boolean;
}

/** The login limits, and what an operator may see and do of them. */
export interface LoginGuard extends Guard {
  readonly store: StoreHealth;
  /**
   * The blocks in force and the operators' entries, the longest first. Rejects with `StoreUnavailable` where logins are
   * refused for want of the store.
   */
  listBlocks(): Promise<readonly Block[]>;
  /** Adds an operator's entry in the name of the admin token `by`. Rejects with `EntryRefused` where it cannot be used. */
  addEntry(entry: NewEntry, by: string): Promise<Block>;
  /** Ends a block or an entry in the name of the admin token `by`; false where there is none. Rejects as `listBlocks` does. */
  liftBlock(id: string, by: string): Promise<boolean>;
  /** How many automatic blocks are in force. Never rejects: without the store those are counted that are known here. */
  countBlocks(): Promise<Readonly<Record<LimitName, number>>>;
  /** Rejects as `listBlocks` does. */
  describeAccount(account: string): Promise<AccountView>;
}

/** What a guard is made of. What is absent is this process's own: limits in memory, a random key, no other minds. */
export interface GuardOptions {
  readonly limits: LoginLimits;
  readonly report: Report;
  /** Absent: the wall clock. */
  readonly clock?: SharedClock;
  /** Goes by `clock`. */
  readonly local?: MemoryStore;
  readonly shared?: SharedStore;
  readonly key?: HashKey;
  readonly manual?: ManualList;
  readonly journal?: SettlementJournal;
  readonly news?: BlockNews;
  readonly sessionNews?: SessionNews;
  readonly policyServer?: PolicyServer;
  /** What logins to an account are counted by, however an operator spells it. Absent: by what is written. */
  readonly countedAs?: (account: string) => string;
}

/** Makes the guard; logins may be asked about at once, connected to the shared store or not. */
export function createGuard(options: GuardOptions): LoginGuard {
  const { limits, report, clock = new SharedClock(), shared, journal, news, sessionNews, policyServer } = options;
  const { countedAs = (account) => account } = options;
  const { nowMs } = clock;
  const local = options.local ?? new MemoryStore({ limits, nowMs });
  const manual = options.manual ?? new SharedManualList({ onChange: () => {}, onBlock: () => {}, report, nowMs });
  const live = new LiveAccounts();
  const store = new LayeredStore({
    local,
    get onFailure() {
      return limits.onStoreFailure;
    },
    clock,
    ...(shared && { shared }),
    ...(journal && { journal }),
    ...(news && { news }),
  });
  const guard = new StoreGuard({
    ...{ limits, store, local, live, manual, report, nowMs },
    key: options.key ?? new HashKey(limits.hashKey === undefined ? {} : { secret: limits.hashKey }),
    ...(sessionNews && { sessionNews }),
    ...(policyServer && { policyServer }),
  });
  return {
    get store() {
      return store.health;
    },
    refusesAddress: (address) => guard.refusesAddress(address),
    admit: (attempt) => guard.admit(attempt),
    release: (attempt) => guard.release(attempt),
    settle: (attempt, outcome) => guard.settle(attempt, outcome),
    openSession: (session) => guard.openSession(session),
    closeSession: (session) => guard.closeSession(session),
    listBlocks: async () => {
      const blocks = await store.listBlocks();
      return [...(await manual.list()), ...blocks.map(describeBlock)].toSorted(endsLast);
    },
    addEntry: (entry, by) => manual.add({ ...entry, target: countedTarget(entry.target, countedAs) }, by),
    liftBlock: async (id, by) => {
      const name = parseBlockId(id);
      if (name === undefined) return manual.lift(id, by);
      const isLifted = await store.liftBlock(name);
      if (isLifted) report({ kind: 'blockLifted', ...name, by });
      return isLifted;
    },
    countBlocks: () => store.countBlocks(),
    describeAccount: async (account) => {
      const name = limitedAccount(countedAs(account));
      const { isLocal, ...facts } = await store.describeAccount(name);
      const entries = (await manual.list()).filter(
        ({ subject }) => isAbout(subject, name) || isAbout(subject, limitedAccount(account)),
      );
      return {
        ...facts,
        liveSessions: Math.max(facts.liveSessions, live.count(name)),
        entries: entries.toSorted(endsLast),
        local: isLocal,
      };
    },
  };
}

/** The store in Redis, which stays the caller's to close, and the key that all who use it agree on. */
export function openSharedStore({
  limits,
  redis,
  onStoreCall = () => {},
}: {
  readonly limits: LoginLimits;
  readonly redis: RedisConnection;
  readonly onStoreCall?: OnStoreCall;
}): { readonly shared: SharedStore; readonly key: HashKey } {
  const store = timedStore(new RedisStore({ limits, connection: redis }), onStoreCall);
  const key = new HashKey({
    ...(limits.hashKey === undefined ? {} : { secret: limits.hashKey }),
    agree: (proposedSecret) => agreeOnHashKey(redis, proposedSecret),
  });
  redis.onBack(() => key.agreeAgain());
  const shared = {
    store,
    get isUp() {
      return redis.isUp;
    },
  };
  return { shared, key };
}

function endsLast(one: Block, other: Block): number {
  return (other.untilMs ?? Number.MAX_VALUE) - (one.untilMs ?? Number.MAX_VALUE);
}

/** An entry that stands for a whole domain is about all names that are written with it. */
function countedTarget(target: EntryTarget, countedAs: (account: string) => string): EntryTarget {
  if ('network' in target || target.account.includes('*')) return target;
  return { account: countedAs(target.account) };
}

/** An operator's entry is about an account, or all of a domain. */
function isAbout(subject: string, account: string): boolean {
  return subject === account || (subject.startsWith('*@') && account.endsWith(subject.slice(1)));
}
