import fc from 'fast-check';
import { expect } from 'vitest';
import type { AccountFacts, CountedFailure, GuardStore } from '../../../src/guard/guard-store.ts';
import { MemoryStore } from '../../../src/guard/memory-store.ts';
import type { LoginFacts, StoredBlock } from '../../../src/policy/guard/facts.ts';
import { limitSubjects } from '../../../src/policy/limit-subjects.ts';
import { accounts, addresses, passwords, type Step, steppedLimits, steps } from './store-steps.ts';
import { loginOf, openStore, type StoreOptions, startMs } from './store-under-test.ts';

/** Has the same happen to a store in Redis and to one in memory, and expects the same answers. */
export async function expectAlike(
  servers: Pick<StoreOptions, 'url' | 'cluster'>,
  { runs }: { readonly runs: number },
): Promise<void> {
  const sequences = fc.array(steps, { minLength: 20, maxLength: 80 });
  await fc.assert(
    fc.asyncProperty(sequences, (sequence) => expectAlikeAfter(servers, sequence)),
    { numRuns: runs },
  );
}

async function expectAlikeAfter(
  servers: Pick<StoreOptions, 'url' | 'cluster'>,
  sequence: readonly Step[],
): Promise<void> {
  const limits = steppedLimits;
  let nowMs = startMs;
  const clock = () => nowMs;
  await using redis = openStore({ ...servers, limits, nowMs: clock });
  const stores: readonly GuardStore[] = [redis.store, new MemoryStore({ limits, nowMs: clock })];
  for (const step of sequence) {
    const atMs = nowMs;
    if (step.kind === 'wait') nowMs += step.ms;
    if (step.kind === 'replayed') for (const settlement of step.settlements) nowMs += settlement.stepMs;
    const [inRedis, inMemory] = await Promise.all(stores.map((store) => take(store, { step, atMs })));
    expect(inRedis, JSON.stringify(step)).toEqual(inMemory);
  }
  const [inRedis, inMemory] = await Promise.all(stores.map(everything));
  expect(inRedis).toEqual(inMemory);
}

/** What a store answers, in an order that does not depend on the store. */
function sorted(answer: unknown): unknown {
  if (!Array.isArray(answer)) return answer;
  return answer.map((item) => JSON.stringify(item)).sort();
}

function factsOf(facts: LoginFacts): unknown {
  return { ...facts, blocks: sortedBlocks(facts.blocks), liveSessionIds: sorted(facts.liveSessionIds) };
}

function countedOf(counted: CountedFailure): unknown {
  return { ...counted, placed: sortedBlocks(counted.placed) };
}

function accountOf(facts: AccountFacts): unknown {
  return {
    ...facts,
    blocks: sortedBlocks(facts.blocks),
    knownAddresses: sorted(facts.knownAddresses),
    refusedUntilMs: sorted(facts.refusedUntilMs),
  };
}

function sortedBlocks(blocks: readonly StoredBlock[]): unknown {
  return sorted(blocks.map((block) => Object.entries(block).sort()));
}

async function take(
  store: GuardStore,
  { step, atMs }: { readonly step: Step; readonly atMs: number },
): Promise<unknown> {
  switch (step.kind) {
    case 'wait':
      return undefined;
    case 'look':
      return factsOf(await store.look(loginOf(step.login)));
    case 'refused':
      return countedOf(await store.countFailure(loginOf(step.login)));
    case 'guessing': {
      const counted = [];
      for (const account of accounts)
        for (const password of passwords)
          counted.push(countedOf(await store.countFailure(loginOf({ ...step.login, account, password }))));
      return counted;
    }
    case 'replayed':
      return replay(store, { ...step, atMs });
    case 'accepted': {
      const key = loginOf(step.login);
      const facts = await store.look(key);
      await store.noteAccepted(key, { pairMembers: facts.pairMembers });
      return factsOf(await store.look(key));
    }
    case 'release':
      return store.release(loginOf(step.login));
    case 'sessions':
      return store.noteSessions(step);
    case 'lift': {
      const blocks = [...(await store.listBlocks())].sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
      const block = blocks[step.which];
      return block === undefined ? undefined : [nameOf(block), await store.liftBlock(block)];
    }
    case 'restore': {
      const { login, limit, forMs, strikes, hasOwners } = step;
      const subject = limitSubjects(loginOf(login))[limit];
      await store.restoreBlocks([{ limit, subject, untilMs: atMs + forMs, strikes, hasOwners }]);
      return sortedBlocks(await store.listBlocks());
    }
  }
}

/** What happened since the last step, told afterwards. */
async function replay(
  store: GuardStore,
  { settlements, atMs }: Extract<Step, { kind: 'replayed' }> & { readonly atMs: number },
): Promise<unknown> {
  const counted = [];
  let happenedMs = atMs;
  for (const settlement of settlements) {
    happenedMs += settlement.stepMs;
    const key = loginOf(settlement.login);
    if (settlement.isAccepted) await store.noteAccepted(key, { pairMembers: [key.credential], atMs: happenedMs });
    else counted.push(countedOf(await store.countFailure(key, happenedMs)));
  }
  return counted;
}

async function everything(store: GuardStore): Promise<unknown> {
  const looks = accounts.flatMap((account) =>
    addresses.flatMap((address) => passwords.map((password) => loginOf({ account, address, password }))),
  );
  const facts = [];
  for (const look of looks) facts.push(factsOf(await store.look(look)));
  return {
    facts,
    accounts: await Promise.all(accounts.map(async (account) => accountOf(await store.describeAccount(account)))),
    blocks: sortedBlocks(await store.listBlocks()),
    counts: await store.countBlocks(),
  };
}

function nameOf({ limit, subject }: StoredBlock): string {
  return `${limit} ${subject}`;
}
