import { describe, expect, it } from 'vitest';
import type { Settlement } from '../../src/guard/guard-ports.ts';
import type { CountedFailure, LoginKey } from '../../src/guard/guard-store.ts';
import { Journal, maxJournalEntries } from '../../src/guard/journal.ts';
import type { StoredBlock } from '../../src/policy/guard/facts.ts';
import { StoreUnavailable } from '../../src/proxy/store-unavailable.ts';

const nowMs = 1_000_000;
const block: StoredBlock = { limit: 'perAccount', subject: 'a', untilMs: nowMs + 1, strikes: 1, hasOwners: false };

function settlementOf(index: number, change: Partial<Settlement> = {}): Settlement {
  const login: LoginKey = {
    sessionId: `here-${index}`,
    account: `u${index}`,
    address: '192.0.2.7',
    network: '192.0.2.0/24',
    credential: `${index}`,
    accountHash: '',
    isExempt: false,
  };
  return { outcome: 'refused', login, pairMembers: [], atMs: index, ...change };
}

function createJournal() {
  const told: string[] = [];
  const placed: StoredBlock[] = [];
  const state = { failsAt: Number.POSITIVE_INFINITY, overflows: 0, poison: '', places: [] as readonly StoredBlock[] };
  const tell = (text: string): void => {
    if (told.length >= state.failsAt) throw new StoreUnavailable('Cannot ask the test: it is away');
    told.push(text);
  };
  const journal = new Journal({
    store: {
      countFailure: async ({ credential }, atMs): Promise<CountedFailure> => {
        if (credential === state.poison) throw new StoreUnavailable('Cannot ask the test: WRONGTYPE');
        tell(`refused ${credential} at ${atMs}`);
        return { nowMs, placed: state.places, addressFailures: 1 };
      },
      noteAccepted: async ({ credential }, { pairMembers, atMs }) =>
        tell(`accepted ${credential} clears ${pairMembers.join()} at ${atMs}`),
    },
    onPlaced: (blocks) => placed.push(...blocks),
    onOverflow: () => {
      state.overflows += 1;
    },
  });
  return { journal, told, placed, state };
}

describe('a journal', () => {
  it('tells everything in order, with its times, and is empty then', async () => {
    const { journal, told } = createJournal();
    for (let index = 0; index < 100; index += 1) journal.add(settlementOf(index));
    journal.add(settlementOf(100, { outcome: 'accepted', pairMembers: ['x', 'y'] }));
    expect(journal.holds('u100')).toBe(true);
    await journal.replay();
    expect(told).toEqual([
      ...Array.from({ length: 100 }, (_, index) => `refused ${index} at ${index}`),
      'accepted 100 clears x,y at 100',
    ]);
    expect(journal.size).toBe(0);
    expect(journal.holds('u100')).toBe(false);
  });

  it('keeps what the store did not take, and goes on there', async () => {
    const { journal, told, state } = createJournal();
    for (let index = 0; index < 100; index += 1) journal.add(settlementOf(index));
    state.failsAt = 50;
    await journal.replay();
    expect(journal.holds('u49')).toBe(false);
    expect(journal.holds('u50')).toBe(true);
    state.failsAt = Number.POSITIVE_INFINITY;
    await journal.replay();
    expect(told).toEqual(Array.from({ length: 100 }, (_, index) => `refused ${index} at ${index}`));
  });

  it('takes in what comes while it is told', async () => {
    const { journal, told } = createJournal();
    for (let index = 0; index < 64; index += 1) journal.add(settlementOf(index));
    const replay = journal.replay();
    journal.add(settlementOf(64));
    expect(journal.replay()).toBe(replay);
    await replay;
    expect(told.at(-1)).toBe('refused 64 at 64');
    expect(journal.size).toBe(0);
  });

  it('lets other work be done between two batches', async () => {
    const { journal, told } = createJournal();
    for (let index = 0; index < 100; index += 1) journal.add(settlementOf(index));
    const toldBetween = new Promise<number>((resolve) => {
      setImmediate(() => resolve(told.length));
    });
    await journal.replay();
    expect(await toldBetween).toBeLessThan(100);
  });

  it('drops the oldest beyond its bound, and says so once', async () => {
    const { journal, told, state } = createJournal();
    for (let index = 0; index <= maxJournalEntries; index += 1) journal.add(settlementOf(index));
    for (let index = 0; index <= maxJournalEntries; index += 1) journal.add(settlementOf(20_000 + index));
    expect(journal.size).toBeLessThanOrEqual(maxJournalEntries);
    expect(state.overflows).toBe(1);
    expect(journal.holds('u0')).toBe(false);
    await journal.replay();
    expect(told.at(-1)).toBe(`refused ${20_000 + maxJournalEntries} at ${20_000 + maxJournalEntries}`);
    for (let index = 0; index <= maxJournalEntries; index += 1) journal.add(settlementOf(index));
    expect(state.overflows).toBe(2);
  });

  it('gives up one that the store does not take, again and again, and goes on with the others', async () => {
    const { journal, told, state } = createJournal();
    state.poison = '1';
    for (let index = 0; index < 3; index += 1) journal.add(settlementOf(index));
    for (let trial = 0; trial < 5; trial += 1) {
      expect(journal.size).toBeGreaterThan(0);
      await journal.replay();
    }
    expect(journal.size).toBe(0);
    expect(new Set(told)).toEqual(new Set(['refused 0 at 0', 'refused 2 at 2']));
  });

  it('tells of blocks that it led to, unless they are over', async () => {
    const { journal, placed, state } = createJournal();
    state.places = [block, { ...block, subject: 'over', untilMs: nowMs }];
    journal.add(settlementOf(1));
    await journal.replay();
    expect(placed).toEqual([block]);
  });
});
