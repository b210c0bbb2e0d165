import { Redis } from 'ioredis';
import { StoreUnavailable } from '../../proxy/store-unavailable.ts';
import { askBriefly } from './brief-question.ts';
import { hashSlot, slotCount } from './hash-slot.ts';
import { describeRedisError, type Redirection, redirectionOf } from './redis-error.ts';
import {
  type ClientOptions,
  commonOptions,
  formatRedisEndpoint,
  type RedisEndpoint,
  type RedisServers,
} from './redis-options.ts';
import { RedisServer, type RunOptions } from './redis-server.ts';
import {
  firstWaitMsFor,
  type RedisTopology,
  reconnectDelayMs,
  type SubscriptionClient,
  type TopologyOptions,
} from './redis-topology.ts';
import { readSlotRanges, type SlotRange } from './slot-map.ts';

/** A Cluster that serves tells by itself (MOVED) where its slots went; this finds masters that nobody asks. */
const calmRefreshMs = 5_000;
/** While a master is away, the news awaited is which replica has taken its place. */
const outageRefreshMs = 250;
/** A slot is found by a key among as many as it takes on average, times this. */
const maxTrialKeys = slotCount * 30;

interface Member {
  readonly endpoint: RedisEndpoint;
  readonly server: RedisServer;
}

/** The masters of a Redis Cluster, each with a breaker of its own: those that serve go on while another one is away. */
export class ClusterServers implements RedisTopology {
  readonly #options: TopologyOptions;
  readonly #connection: ClientOptions;
  readonly #secrets: readonly string[];
  readonly #seeds: readonly RedisEndpoint[];
  readonly #firstMap = Promise.withResolvers<void>();
  readonly #firstTimer: NodeJS.Timeout;
  #masters = new Map<string, Member>();
  #slots: (Member | undefined)[] = [];
  #unservedSlots = 0;
  /** All nodes of the last map, for when no master can be asked. */
  #known: readonly RedisEndpoint[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isRefreshing = false;
  #isDisposed = false;

  constructor(servers: RedisServers, options: TopologyOptions) {
    this.#options = options;
    this.#connection = commonOptions(servers, servers.tls);
    this.#secrets = servers.password === undefined ? [] : [servers.password];
    this.#seeds = servers.cluster?.nodes ?? [];
    const waitMs = firstWaitMsFor(options.timeoutMs);
    this.#firstTimer = setTimeout(() => {
      if (!this.#hasMap) options.onState(false, `no node of the Cluster answered within ${waitMs} ms`);
      this.#firstMap.resolve();
    }, waitMs).unref();
    void this.#refresh();
  }

  async run<T>(operation: (client: Redis) => Promise<T>, options: RunOptions): Promise<T> {
    if (!this.#hasMap) await this.#firstMap.promise;
    const { slotKey } = options;
    const member =
      slotKey === undefined ? this.#anyMaster() : this.#slots[hashSlot(`${this.#options.keyPrefix}${slotKey}`)];
    if (member === undefined) throw new StoreUnavailable('Cannot ask the Redis Cluster: no master is known for it');
    try {
      return await member.server.run(operation, options);
    } catch (error) {
      const redirection = redirectionOf(error);
      if (redirection === undefined) throw error;
      return await this.#runElsewhere(operation, { options, redirection, from: member });
    }
  }

  openSubscription(): SubscriptionClient {
    // Each node hands on what is published at any of them.
    const up = [...this.#masters.values()].filter(({ server }) => server.state === 'up');
    const member = pick(up);
    const endpoint = member?.endpoint ?? pick([...this.#known, ...this.#seeds]);
    const client = new Redis({ ...this.#connection, ...endpoint, retryStrategy: () => null });
    // Whoever is cut off from the majority hears nothing, and is no master that is up.
    return { client, isCurrent: () => member === undefined || this.#isServing(member) };
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    clearTimeout(this.#firstTimer);
    clearTimeout(this.#timer);
    this.#firstMap.resolve();
    for (const { server } of this.#masters.values()) server[Symbol.dispose]();
    this.#masters.clear();
    this.#slots = [];
  }

  get #hasMap(): boolean {
    return this.#slots.length > 0;
  }

  #isServing({ endpoint, server }: Member): boolean {
    return server.state === 'up' && this.#masters.get(formatRedisEndpoint(endpoint))?.server === server;
  }

  #anyMaster(): Member | undefined {
    const members = [...this.#masters.values()];
    return pick(members.filter(({ server }) => server.state === 'up')) ?? members[0];
  }

  async #runElsewhere<T>(
    operation: (client: Redis) => Promise<T>,
    { options, redirection, from }: { options: RunOptions; redirection: Redirection; from: Member },
  ): Promise<T> {
    void this.#refresh();
    const target = this.#redirect(redirection, from);
    try {
      if (redirection.kind === 'moved') return await target.server.run(operation, options);
      // Good for the one command that follows it.
      return await target.server.run(
        async (client) => (await Promise.all([client.asking(), operation(client)]))[1],
        options,
      );
    } catch (cause) {
      if (redirectionOf(cause) === undefined) throw cause;
      throw new StoreUnavailable('Cannot ask the Redis Cluster: its slots are on the move', { cause });
    }
  }

  #redirect({ kind, slot, host = '', port }: Redirection, from: Member): Member {
    const endpoint = { host: host === '' ? from.endpoint.host : host, port };
    const target = this.#masters.get(formatRedisEndpoint(endpoint));
    if (target === undefined)
      throw new StoreUnavailable('Cannot ask the Redis Cluster: the new master is not known yet');
    if (kind === 'moved') this.#slots[slot] = target;
    return target;
  }

  async #refresh(): Promise<void> {
    if (this.#isRefreshing || this.#isDisposed) return;
    this.#isRefreshing = true;
    clearTimeout(this.#timer);
    try {
      const ranges = await this.#askForSlots();
      if (!this.#isDisposed) this.#take(ranges);
    } catch (error) {
      if (!this.#isDisposed && !this.#hasMap) {
        this.#options.onState(false, describeRedisError(error, this.#secrets));
        this.#firstMap.resolve();
      }
    } finally {
      this.#isRefreshing = false;
      this.#refreshLater();
    }
  }

  #refreshLater(): void {
    if (this.#isDisposed) return;
    clearTimeout(this.#timer);
    const isCalm = this.#hasMap && this.#unservedSlots === 0 && this.#findDown() === undefined;
    this.#timer = setTimeout(() => void this.#refresh(), isCalm ? calmRefreshMs : outageRefreshMs).unref();
  }

  async #askForSlots(): Promise<readonly SlotRange[]> {
    const up = pick([...this.#masters.values()].filter(({ server }) => server.state === 'up'));
    const nodes = up === undefined ? [...this.#known, ...this.#seeds] : [up.endpoint];
    return await Promise.any(nodes.map((endpoint) => this.#askNode(endpoint)));
  }

  async #askNode(endpoint: RedisEndpoint): Promise<readonly SlotRange[]> {
    const question = { endpoint, options: this.#connection, secrets: this.#secrets };
    return await askBriefly(question, async (client) => {
      const ranges = readSlotRanges(await client.cluster('SLOTS'), endpoint);
      if (ranges.length === 0) throw new Error('it knows no slots');
      return ranges;
    });
  }

  #take(ranges: readonly SlotRange[]): void {
    const before = this.#masters;
    const isFirst = !this.#hasMap;
    const masters = new Map<string, Member>();
    const slots: (Member | undefined)[] = Array.from({ length: slotCount });
    for (const { start, end, master } of ranges) {
      const name = formatRedisEndpoint(master);
      const member = masters.get(name) ?? before.get(name) ?? this.#open(master, isFirst);
      masters.set(name, member);
      slots.fill(member, start, end + 1);
    }
    this.#masters = masters;
    this.#slots = slots;
    this.#unservedSlots = slots.filter((member) => member === undefined).length;
    this.#known = ranges.flatMap(({ master, replicas }) => [master, ...replicas]);
    for (const [name, { server }] of before) if (!masters.has(name)) server[Symbol.dispose]();
    this.#firstMap.resolve();
    this.#judge();
  }

  #open(endpoint: RedisEndpoint, isFirst: boolean): Member {
    const { keyPrefix, timeoutMs, onTried } = this.#options;
    const name = `${this.#connection.tls === undefined ? 'redis' : 'rediss'}://${formatRedisEndpoint(endpoint)}`;
    let trialNumber = 0;
    const trialKey = (): string => {
      const isOwn = (): boolean => this.#slots[hashSlot(`${keyPrefix}trial:${trialNumber}`)]?.server === server;
      for (let tried = 0; tried < maxTrialKeys && !isOwn(); tried += 1) trialNumber += 1;
      return `trial:${trialNumber}`;
    };
    const server = new RedisServer({
      client: new Redis({ ...this.#connection, ...endpoint, keyPrefix, retryStrategy: reconnectDelayMs }),
      name,
      timeoutMs,
      firstWaitMs: isFirst ? firstWaitMsFor(timeoutMs) : timeoutMs,
      secrets: this.#secrets,
      trialKey,
      onChange: (isUp, detail) => {
        this.#judge(`${name}: ${detail}`);
        if (!isUp) void this.#refresh();
      },
      onTried,
      onRedirected: () => void this.#refresh(),
    });
    return { endpoint, server };
  }

  /** Tells how the whole is, unless a master that has only just been found leaves that open. */
  #judge(detail = 'a master is down'): void {
    if (this.#isDisposed) return;
    if (this.#unservedSlots > 0) {
      this.#options.onState(false, `${this.#unservedSlots} slots of the Cluster have no master`);
      return;
    }
    const members = [...this.#masters.values()];
    if (this.#findDown() !== undefined) this.#options.onState(false, detail);
    else if (members.every(({ server }) => server.state === 'up')) {
      this.#options.onState(true, `connected to all ${members.length} masters of the Cluster`);
    }
  }

  #findDown(): Member | undefined {
    return [...this.#masters.values()].find(({ server }) => server.state === 'down');
  }
}

function pick<T>(list: readonly T[]): T | undefined {
  return list[Math.floor(Math.random() * list.length)];
}
