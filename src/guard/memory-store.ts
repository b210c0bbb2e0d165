import type { LimitSubjects } from '../policy/limit-subjects.ts';
import { type LimitName, type LoginLimits, limitNames } from '../policy/login-limits.ts';
import { BoundedLimiter } from './bounded-limiter.ts';
import { FailureCounter, failureLimiterOptions, strikeLimiterOptions } from './failure-counter.ts';
import type { ActiveBlock, BlockName, LimitRecord, LimitStore, PlacedBlock } from './limit-store.ts';

interface MemoryCounter {
  readonly counter: FailureCounter;
  readonly failures: BoundedLimiter;
}

/** Failures and blocks in this process's memory, bounded. */
export class MemoryStore implements LimitStore {
  readonly kind = 'memory';
  readonly isUp = true;
  readonly #counters: Readonly<Record<LimitName, MemoryCounter>>;

  constructor(limits: LoginLimits) {
    this.#counters = {
      perAddress: createCounter(limits, 'perAddress'),
      perAccount: createCounter(limits, 'perAccount'),
      perAddressAndAccount: createCounter(limits, 'perAddressAndAccount'),
    };
  }

  async look(subjects: LimitSubjects): Promise<LimitRecord> {
    const [failures, ...blocks] = await Promise.all([
      this.#counters.perAddressAndAccount.failures.get(subjects.perAddressAndAccount),
      ...limitNames.map((limit) => this.#activeBlock({ limit, subject: subjects[limit] })),
    ]);
    return { blocks: blocks.filter((block) => block.remainingMs > 0), hasFailures: failures !== null };
  }

  async countFailure(subjects: LimitSubjects): Promise<readonly PlacedBlock[]> {
    const placed = limitNames.map(async (limit) => {
      const subject = subjects[limit];
      const durationMs = await this.#counters[limit].counter.countFailure(subject);
      return durationMs === undefined ? [] : [{ limit, subject, durationMs }];
    });
    return (await Promise.all(placed)).flat();
  }

  clearFailures({ limit, subject }: BlockName): Promise<void> {
    return this.#counters[limit].counter.clearFailures(subject);
  }

  async liftBlock(name: BlockName): Promise<boolean> {
    const { remainingMs } = await this.#activeBlock(name);
    if (remainingMs === 0) return false;
    await this.#counters[name.limit].counter.forget(name.subject);
    return true;
  }

  async listBlocks(): Promise<readonly ActiveBlock[]> {
    const names = limitNames.flatMap((limit) =>
      this.#counters[limit].failures.blockedSubjects.map((subject) => ({ limit, subject })),
    );
    const blocks = await Promise.all(names.map((name) => this.#activeBlock(name)));
    return blocks.filter((block) => block.remainingMs > 0);
  }

  async countBlocks(): Promise<Record<LimitName, number>> {
    const counts: Record<LimitName, number> = { perAddress: 0, perAccount: 0, perAddressAndAccount: 0 };
    for (const { limit } of await this.listBlocks()) counts[limit] += 1;
    return counts;
  }

  async #activeBlock({ limit, subject }: BlockName): Promise<ActiveBlock> {
    return { limit, subject, remainingMs: await this.#counters[limit].counter.remainingBlockMs(subject) };
  }
}

function createCounter(limits: LoginLimits, name: LimitName): MemoryCounter {
  const failures = new BoundedLimiter(failureLimiterOptions(limits[name], name));
  const strikes = new BoundedLimiter(strikeLimiterOptions(limits[name], name));
  return { failures, counter: new FailureCounter(limits[name], { failures, strikes }) };
}
