import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maxBlockedSubjects, maxCountedSubjects, WindowTable } from '../../src/guard/window-table.ts';
import { limitOf, minuteMs } from './fixtures.ts';

const startMs = 1_800_000_000_000;
const limit = limitOf({ threshold: 3, windowMs: 10 * minuteMs, blockMs: minuteMs, maxBlockMs: 8 * minuteMs });
const hasOwners = () => false;

describe('WindowTable', () => {
  test('counts a member that it counted before no second time', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('one', 'two'), { maxLength: 50 }), (members) => {
        const table = new WindowTable('perAccount', () => limit);
        for (const [index, member] of members.entries()) {
          expect(table.count('a', { member, hasOwners, nowMs: startMs + index })).toBeUndefined();
        }
        expect(table.countMembers('a', startMs + members.length)).toBe(new Set(members).size);
      }),
    );
  });

  test('makes no block shorter for more failures', () => {
    const step = fc.record({ member: fc.nat(20).map(String), pauseMs: fc.nat(4 * minuteMs) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(60), (steps, extraAt) => {
        const [fewer, more] = [new WindowTable('perAccount', () => limit), new WindowTable('perAccount', () => limit)];
        let nowMs = startMs;
        let untilMs = 0;
        for (const [index, { member, pauseMs }] of steps.entries()) {
          nowMs += pauseMs;
          for (const table of [fewer, more]) table.count('a', { member, hasOwners, nowMs });
          const before = more.block('a', nowMs);
          if (index === extraAt) more.count('a', { member: 'extra', hasOwners, nowMs });
          const after = more.block('a', nowMs);
          expect(after?.untilMs ?? 0).toBeGreaterThanOrEqual(before?.untilMs ?? 0);
          // What holds is never taken back, only replaced once it is over.
          if (untilMs > nowMs) expect(after?.untilMs).toBe(untilMs);
          untilMs = after?.untilMs ?? 0;
        }
      }),
    );
  });

  test('keeps the newest members up to the threshold, in order, however late they are told', () => {
    const table = new WindowTable('perAccount', () => limit);
    for (const [member, minute] of Object.entries({ c: 3, a: 1, d: 4, b: 2 })) {
      table.count('x', { member, hasOwners, nowMs: startMs + minute * minuteMs });
    }
    expect(table.members('x', startMs + 4 * minuteMs)).toEqual(['b', 'c', 'd']);
    expect(table.members('x', startMs + 12.5 * minuteMs)).toEqual(['c', 'd']);
  });

  test('takes over a block, unless its own lasts longer', () => {
    const table = new WindowTable('perAccount', () => limit);
    const block = { limit: 'perAccount', subject: 'a', strikes: 3, hasOwners: true } as const;
    table.restore({ ...block, untilMs: startMs + 5 }, startMs);
    table.restore({ ...block, strikes: 1, untilMs: startMs + 4 }, startMs);
    expect(table.block('a', startMs)).toEqual({ ...block, untilMs: startMs + 5 });
    table.restore({ ...block, subject: 'b', untilMs: startMs }, startMs);
    expect([...table.blocks(startMs)].map(({ subject }) => subject)).toEqual(['a']);
  });

  test('takes over the strikes of a block as they are told, where its own are forgiven by now', () => {
    const table = new WindowTable('perAccount', () => limit);
    const block = { limit: 'perAccount', subject: 'a', hasOwners: false } as const;
    table.restore({ ...block, strikes: 3, untilMs: startMs + minuteMs }, startMs);
    const laterMs = startMs + minuteMs + 2 * limit.maxBlockMs;
    table.restore({ ...block, strikes: 1, untilMs: laterMs + minuteMs }, laterMs);
    expect(table.block('a', laterMs)?.strikes).toBe(1);
    table.restore({ ...block, strikes: 1, untilMs: laterMs + 2 * minuteMs }, laterMs);
    expect(table.block('a', laterMs)).toEqual({ ...block, strikes: 1, untilMs: laterMs + 2 * minuteMs });
  });

  test('forgets the subject counted longest ago, and the block placed first, when there are too many', () => {
    const table = new WindowTable('perAccount', () => ({ ...limit, threshold: 2 }));
    for (let index = 0; index <= maxBlockedSubjects; index += 1) {
      for (const member of ['1', '2']) table.count(`blocked ${index}`, { member, hasOwners, nowMs: startMs });
    }
    for (let index = 0; index <= maxCountedSubjects; index += 1) {
      table.count(`counted ${index}`, { member: '1', hasOwners, nowMs: startMs });
    }
    expect([...table.blocks(startMs)]).toHaveLength(maxBlockedSubjects);
    expect(table.block('blocked 0', startMs)).toBeUndefined();
    expect(['counted 0', 'counted 1'].map((subject) => table.countMembers(subject, startMs))).toEqual([0, 1]);
  });
});
