import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findBlock, type LoginCase, refuseLogin } from '../../../src/policy/guard/admission.ts';
import type { LoginFacts, StoredBlock } from '../../../src/policy/guard/facts.ts';
import type { ManualVerdict } from '../../../src/policy/guard/manual-entries.ts';
import { type LimitName, limitNames } from '../../../src/policy/login-limits.ts';

const nowMs = 1_800_000_000_000;
const stranger: LoginFacts = {
  nowMs,
  blocks: [],
  liveSessionIds: [],
  pairMembers: [],
  addressFailures: 0,
  isAccepted: false,
  isReserved: true,
};
const owner: LoginFacts = { ...stranger, knownSinceMs: nowMs - 1_000, isReserved: false };
const allowed: ManualVerdict = { isAddressAllowed: false, isAccountAllowed: false };

function caseOf(facts: LoginFacts, more: Partial<LoginCase> = {}): LoginCase {
  return { facts, isExempt: false, liveSessions: 0, sessionsPerAccount: 10, ...more };
}

function blockOf(limit: LimitName, lastsMs = 60_000): StoredBlock {
  return { limit, subject: 'somebody', untilMs: nowMs + lastsMs, strikes: 1, hasOwners: false };
}

const allBlocks = limitNames.map((limit) => blockOf(limit));

describe(refuseLogin, () => {
  test('lets a stranger with a reservation and an owner without one in', () => {
    expect(refuseLogin(caseOf(stranger))).toBeUndefined();
    expect(refuseLogin(caseOf(owner))).toBeUndefined();
  });

  test.each(limitNames)('refuses a stranger for a block of %s, and says for how long', (limit) => {
    expect(refuseLogin(caseOf({ ...stranger, blocks: [blockOf(limit)] }))).toEqual({
      reason: 'limit',
      limit,
      retryAfterMs: 60_000,
    });
  });

  test('refuses an owner for a block of the very pair alone', () => {
    for (const limit of limitNames) {
      const refusal = refuseLogin(caseOf({ ...owner, blocks: [blockOf(limit)] }));
      expect(refusal?.limit).toBe(limit === 'perAddressAndAccount' ? limit : undefined);
    }
  });

  test('names the block that lasts longest, and none that is over', () => {
    const blocks = [blockOf('perAddress', 60_000), blockOf('perAccount', 90_000), blockOf('perNetwork', 0)];
    expect(findBlock(caseOf({ ...stranger, blocks }))?.limit).toBe('perAccount');
    expect(findBlock(caseOf({ ...stranger, blocks: [blockOf('perNetwork', 0)] }))).toBeUndefined();
  });

  test('refuses for an account that is allowed what concerns the network alone', () => {
    const manual = { ...allowed, isAccountAllowed: true };
    for (const limit of limitNames) {
      const refusal = refuseLogin(caseOf({ ...stranger, blocks: [blockOf(limit)] }, { manual }));
      const isOfNetwork = ['perAddress', 'perNetwork', 'accountsPerNetwork'].includes(limit);
      expect(refusal?.limit).toBe(isOfNetwork ? limit : undefined);
    }
  });

  test.each<[name: string, facts: Partial<LoginFacts>, more: Partial<LoginCase>, reason: string | undefined]>([
    ['remembered credentials', { refusedUntilMs: nowMs + 5 }, {}, 'remembered'],
    ['credentials that have lapsed', { refusedUntilMs: nowMs }, {}, undefined],
    ['remembered credentials of an exempt address', { refusedUntilMs: nowMs + 5 }, { isExempt: true }, 'remembered'],
    [
      'remembered credentials that an operator allows',
      { refusedUntilMs: nowMs + 5 },
      { manual: { ...allowed, isAddressAllowed: true } },
      undefined,
    ],
    ['a login before the pace', { lastLoginMs: nowMs - 5 }, { minPollIntervalMs: 6 }, 'pace'],
    ['a login at the pace', { lastLoginMs: nowMs - 6 }, { minPollIntervalMs: 6 }, undefined],
    ['a login without a pace', { lastLoginMs: nowMs }, {}, undefined],
    ['a first login with a pace', {}, { minPollIntervalMs: 6 }, undefined],
    ['as many sessions as there may be', {}, { liveSessions: 10 }, 'in_use'],
    ['one session less', {}, { liveSessions: 9 }, undefined],
    ['a session where there may be one', {}, { liveSessions: 1, isSingleSession: true }, 'in_use'],
    ['a stranger without a reservation', { isReserved: false }, {}, 'busy'],
    ['an exempt stranger without one', { isReserved: false }, { isExempt: true }, undefined],
    [
      'a stranger to an allowed account without one',
      { isReserved: false },
      { manual: { ...allowed, isAccountAllowed: true } },
      undefined,
    ],
  ])('judges %s', (_, facts, more, reason) => {
    expect(refuseLogin(caseOf({ ...stranger, ...facts }, more))?.reason).toBe(reason);
  });

  test.each<[name: string, facts: Partial<LoginFacts>, more: Partial<LoginCase>, reason: string]>([
    ['soon after a login', { lastLoginMs: nowMs }, { minPollIntervalMs: 6 }, 'pace'],
    ['beside a live session', {}, { liveSessions: 1, isSingleSession: true }, 'in_use'],
    ['while blocked', { blocks: allBlocks }, {}, 'limit'],
  ])('tells a stranger %s the same whether the password is remembered or not', (_, facts, more, reason) => {
    for (const refusedUntilMs of [nowMs, nowMs + 5]) {
      expect(refuseLogin(caseOf({ ...stranger, ...facts, refusedUntilMs }, more))?.reason).toBe(reason);
    }
  });

  test('tells an owner of a remembered password before all else', () => {
    const facts = { ...owner, blocks: [], refusedUntilMs: nowMs + 5, lastLoginMs: nowMs };
    expect(refuseLogin(caseOf(facts, { minPollIntervalMs: 6 }))?.reason).toBe('remembered');
  });

  test("puts an operator's block before everything", () => {
    const entry = { effect: 'block', target: { account: 'a' }, reason: 'why', by: 'ops', addedAtMs: 0 } as const;
    const manual = { block: { ...entry, untilMs: nowMs + 7 }, isAddressAllowed: true, isAccountAllowed: true };
    expect(refuseLogin(caseOf(owner, { manual, isExempt: true }))).toEqual({ reason: 'manual', retryAfterMs: 7 });
    const forEver = { ...manual, block: entry };
    expect(refuseLogin(caseOf({ ...stranger, blocks: allBlocks }, { manual: forEver }))).toEqual({ reason: 'manual' });
  });
});

const anyFacts: fc.Arbitrary<LoginFacts> = fc.record(
  {
    nowMs: fc.constant(nowMs),
    blocks: fc.subarray(allBlocks),
    knownSinceMs: fc.integer({ min: nowMs - 1e9, max: nowMs }),
    refusedUntilMs: fc.integer({ min: nowMs - 1e6, max: nowMs + 1e6 }),
    lastLoginMs: fc.integer({ min: nowMs - 1e6, max: nowMs }),
    liveSessionIds: fc.constant([]),
    pairMembers: fc.constant([]),
    addressFailures: fc.nat(1_000),
    isAccepted: fc.boolean(),
    isReserved: fc.boolean(),
  },
  {
    requiredKeys: ['nowMs', 'blocks', 'liveSessionIds', 'pairMembers', 'addressFailures', 'isAccepted', 'isReserved'],
  },
);

describe('whatever a store knows', () => {
  test('an exempt address is neither blocked nor kept waiting', () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const reason = refuseLogin(caseOf(facts, { isExempt: true }))?.reason;
        expect(reason).not.toBe('limit');
        expect(reason).not.toBe('busy');
      }),
    );
  });

  test('an owner is blocked for the own pair alone, and never kept waiting', () => {
    fc.assert(
      fc.property(anyFacts, fc.nat(1e9), (facts, ago) => {
        const refusal = refuseLogin(caseOf({ ...facts, knownSinceMs: nowMs - ago }));
        if (refusal?.reason === 'limit') expect(refusal.limit).toBe('perAddressAndAccount');
        expect(refusal?.reason).not.toBe('busy');
      }),
    );
  });

  test('another block never lets in who was refused, nor makes the wait shorter', () => {
    fc.assert(
      fc.property(anyFacts, fc.constantFrom(...limitNames), fc.nat(1e6), (facts, limit, lastsMs) => {
        const without = findBlock(caseOf(facts));
        const blocks = [...facts.blocks, blockOf(limit, lastsMs)];
        const withIt = findBlock(caseOf({ ...facts, blocks }));
        expect(withIt?.untilMs ?? 0).toBeGreaterThanOrEqual(without?.untilMs ?? 0);
      }),
    );
  });
});
