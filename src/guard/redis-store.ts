import type { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { RedisConnection } from '../net/redis-connection.ts';
import type { LimitSubjects } from '../policy/limit-subjects.ts';
import { type LimitName, type LoginLimits, limitNames } from '../policy/login-limits.ts';
import { FailureCounter, failureLimiterOptions, strikeLimiterOptions } from './failure-counter.ts';
import type { ActiveBlock, BlockName, LimitRecord, LimitStore, PlacedBlock } from './limit-store.ts';

/** Blocks that can be listed, per limit. More are enforced all the same; those that end first are left out. */
const maxListedBlocks = 5_000;
/** An index outlives its last block by this, so that it never ends before it. */
const indexSlackMs = 1_000;

interface RedisCounter {
  readonly counter: FailureCounter;
  readonly failures: RateLimiterRedis;
  readonly maxBlockMs: number;
}

/** Failures and blocks in Redis, shared by all that use the same key prefix there. */
export class RedisStore implements LimitStore {
  readonly kind = 'redis';
  readonly #connection: RedisConnection;
  readonly #client: Redis;
  readonly #counters: Readonly<Record<LimitName, RedisCounter>>;

  /** The connection stays open: it is the caller's to close. */
  constructor(limits: LoginLimits, connection: RedisConnection) {
    this.#connection = connection;
    this.#client = this.#connection.client;
    this.#counters = {
      perAddress: createCounter(this.#client, { limits, name: 'perAddress' }),
      perAccount: createCounter(this.#client, { limits, name: 'perAccount' }),
      perAddressAndAccount: createCounter(this.#client, { limits, name: 'perAddressAndAccount' }),
    };
  }

  get isUp(): boolean {
    return this.#connection.isUp;
  }

  look(subjects: LimitSubjects): Promise<LimitRecord> {
    return this.#connection.run(async () => {
      const keys = limitNames.map((limit) => this.#counters[limit].failures.getKey(subjects[limit]));
      // Every login comes by here: one command for all limits, a second look only at what blocks.
      const counts = await this.#client.mget(keys);
      const blocking = limitNames.filter((limit, index) =>
        this.#counters[limit].counter.isBlocking(Number(counts[index])),
      );
      const blocks = blocking.map(async (limit) => {
        const subject = subjects[limit];
        return { limit, subject, remainingMs: await this.#counters[limit].counter.remainingBlockMs(subject) };
      });
      return {
        blocks: (await Promise.all(blocks)).filter((block) => block.remainingMs > 0),
        hasFailures: counts[limitNames.indexOf('perAddressAndAccount')] !== null,
      };
    });
  }

  countFailure(subjects: LimitSubjects): Promise<readonly PlacedBlock[]> {
    return this.#connection.run(async () => {
      const placed = limitNames.map(async (limit) => {
        const subject = subjects[limit];
        const durationMs = await this.#counters[limit].counter.countFailure(subject);
        if (durationMs === undefined) return [];
        await this.#addToIndex({ limit, subject, durationMs });
        return [{ limit, subject, durationMs }];
      });
      return (await Promise.all(placed)).flat();
    });
  }

  clearFailures({ limit, subject }: BlockName): Promise<void> {
    return this.#connection.run(async () => {
      // Of logins tried at once, some may have led to a block before this one succeeded.
      await Promise.all([
        this.#counters[limit].counter.clearFailures(subject),
        this.#client.zrem(indexKey(limit), subject),
      ]);
    });
  }

  liftBlock({ limit, subject }: BlockName): Promise<boolean> {
    return this.#connection.run(async () => {
      const { counter } = this.#counters[limit];
      if ((await counter.remainingBlockMs(subject)) === 0) return false;
      await Promise.all([counter.forget(subject), this.#client.zrem(indexKey(limit), subject)]);
      return true;
    });
  }

  listBlocks(): Promise<readonly ActiveBlock[]> {
    return this.#connection.run(async () => {
      const nowMs = await this.#redisNowMs();
      const lists = limitNames.map(async (limit) => {
        const [, members] = await Promise.all([
          this.#client.zremrangebyscore(indexKey(limit), '-inf', nowMs),
          this.#client.zrangebyscore(indexKey(limit), `(${nowMs}`, '+inf', 'WITHSCORES'),
        ]);
        return readIndex(members).map(([subject, untilMs]) => ({ limit, subject, remainingMs: untilMs - nowMs }));
      });
      return (await Promise.all(lists)).flat();
    });
  }

  countBlocks(): Promise<Record<LimitName, number>> {
    return this.#connection.run(async () => {
      const nowMs = await this.#redisNowMs();
      const count = (limit: LimitName) => this.#client.zcount(indexKey(limit), `(${nowMs}`, '+inf');
      const [perAddress, perAccount, perAddressAndAccount] = await Promise.all([
        count('perAddress'),
        count('perAccount'),
        count('perAddressAndAccount'),
      ]);
      return { perAddress, perAccount, perAddressAndAccount };
    });
  }

  async #addToIndex({ limit, subject, durationMs }: PlacedBlock): Promise<void> {
    const nowMs = await this.#redisNowMs();
    const key = indexKey(limit);
    await Promise.all([
      this.#client.zremrangebyscore(key, '-inf', nowMs),
      this.#client.zadd(key, nowMs + durationMs, subject),
      this.#client.zremrangebyrank(key, 0, -(maxListedBlocks + 1)),
      this.#client.pexpire(key, Math.max(this.#counters[limit].maxBlockMs, durationMs) + indexSlackMs),
    ]);
  }

  /** Redis's own clock: the instances' clocks may differ. */
  async #redisNowMs(): Promise<number> {
    const [seconds, microseconds] = await this.#client.time();
    return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
  }
}

function createCounter(
  client: Redis,
  options: { readonly limits: LoginLimits; readonly name: LimitName },
): RedisCounter {
  const limit = options.limits[options.name];
  const failures = new RateLimiterRedis({ storeClient: client, ...failureLimiterOptions(limit, options.name) });
  const strikes = new RateLimiterRedis({ storeClient: client, ...strikeLimiterOptions(limit, options.name) });
  return { failures, counter: new FailureCounter(limit, { failures, strikes }), maxBlockMs: limit.maxBlockMs };
}

function indexKey(limit: LimitName): string {
  return `blocks:${limit}`;
}

function readIndex(members: readonly string[]): [subject: string, untilMs: number][] {
  const blocks: [string, number][] = [];
  for (let index = 0; index + 1 < members.length; index += 2)
    blocks.push([members[index] ?? '', Number(members[index + 1])]);
  return blocks;
}
