import type { BlockName, StoredBlock } from '../../policy/guard/facts.ts';
import { type LimitName, limitNames } from '../../policy/login-limits.ts';
import { countListScript, listScript, readListScript, unlistScript } from './block-scripts.ts';
import { indexKeys } from './keys.ts';
import type { ScriptRunner } from './script.ts';

/** Blocks that can be listed, per limit. More are enforced all the same; those that end first are left out. */
export const maxListedBlocks = 5_000;
/** Redis does nothing else meanwhile: so many take it about a millisecond. */
const pageSize = 500;

/**
 * Which blocks there are, for those who ask without knowing a subject. It is written behind the blocks themselves, which
 * are in the slots of their accounts and networks: a login never waits for it.
 */
export class BlockIndex {
  readonly #run: ScriptRunner;
  readonly #clock: () => number | '';
  /** One after the other, so that a block is not listed behind its end. */
  #writes = Promise.resolve();

  /** Without a clock, '', it is Redis's own. */
  constructor(run: ScriptRunner, clock: () => number | '') {
    this.#run = run;
    this.#clock = clock;
  }

  /** Lists blocks as soon as may be. Whoever knows of a block that is not listed restores it. */
  add(blocks: readonly StoredBlock[]): void {
    for (const block of blocks) this.#write(() => this.#add(block));
  }

  /** Takes a block off the list as soon as may be. */
  remove(name: BlockName): void {
    this.#write(() => this.take(name));
  }

  /** Takes a block off the list; false where none in force was listed. */
  async take({ limit, subject }: BlockName): Promise<boolean> {
    const { ends, notes } = indexKeys(limit);
    const [isListed] = await this.#run(unlistScript, { keys: [ends, notes], args: [this.#clock(), subject] });
    return isListed === 1;
  }

  /** Waits for what is being written; never rejects. */
  settled(): Promise<void> {
    return this.#writes;
  }

  /** The blocks in force, of each limit those that end last first. */
  async list(): Promise<readonly StoredBlock[]> {
    await this.#writes;
    const lists = await Promise.all(limitNames.map((limit) => this.#listLimit(limit)));
    return lists.flat();
  }

  async count(): Promise<Readonly<Record<LimitName, number>>> {
    await this.#writes;
    const [perAddress = 0, perNetwork = 0, perAccount = 0, perAddressAndAccount = 0, accounts = 0, passwords = 0] = (
      await this.#run(countListScript, {
        keys: [
          indexKeys('perAddress').ends,
          indexKeys('perNetwork').ends,
          indexKeys('perAccount').ends,
          indexKeys('perAddressAndAccount').ends,
          indexKeys('accountsPerNetwork').ends,
          indexKeys('passwordsPerAccount').ends,
        ],
        args: [this.#clock()],
        isPatient: true,
      })
    ).map(Number);
    return {
      perAddress,
      perNetwork,
      perAccount,
      perAddressAndAccount,
      accountsPerNetwork: accounts,
      passwordsPerAccount: passwords,
    };
  }

  #write(task: () => Promise<unknown>): void {
    this.#writes = this.#writes.then(task).then(
      () => {},
      // The connection tells that Redis is gone.
      () => {},
    );
  }

  async #add({ limit, subject, untilMs, strikes, hasOwners }: StoredBlock): Promise<void> {
    const { ends, notes } = indexKeys(limit);
    const note = `${strikes} ${hasOwners ? 1 : 0}`;
    await this.#run(listScript, {
      keys: [ends, notes],
      args: [this.#clock(), subject, untilMs, note, maxListedBlocks],
      isPatient: true,
    });
  }

  async #listLimit(limit: LimitName): Promise<readonly StoredBlock[]> {
    const { ends, notes } = indexKeys(limit);
    // By subject: a block that is placed meanwhile pushes another one to the next page.
    const found = new Map<string, StoredBlock>();
    for (let first = 0; first < maxListedBlocks; first += pageSize) {
      const args = [this.#clock(), first, first + pageSize - 1];
      const [read, ...listed] = await this.#run(readListScript, { keys: [ends, notes], args, isPatient: true });
      for (const block of readPage(limit, listed)) found.set(block.subject, block);
      if (Number(read) < pageSize) break;
    }
    return [...found.values()];
  }
}

function readPage(limit: LimitName, listed: readonly unknown[]): StoredBlock[] {
  const blocks: StoredBlock[] = [];
  for (let index = 0; index + 2 < listed.length; index += 3) {
    const [strikes, owners] = String(listed[index + 2]).split(' ');
    blocks.push({
      limit,
      subject: String(listed[index]),
      untilMs: Number(listed[index + 1]),
      strikes: Number(strikes) || 1,
      hasOwners: owners === '1',
    });
  }
  return blocks;
}
