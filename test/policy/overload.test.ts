import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { addLoad, type LoadSample, noOverload, type OverloadCause, overloadCause } from '../../src/policy/overload.ts';

const bounds = { maxDelayMs: 500 };
const intervalMs = 100;

type Load = Partial<Omit<LoadSample, 'nowMs'>>;

/** What is decided behind each sample, one every 100 ms. */
function causesOf(loads: readonly Load[], maxDelayMs = bounds.maxDelayMs): readonly (OverloadCause | undefined)[] {
  let state = noOverload;
  return loads.map((load, index) => {
    const sample = { nowMs: index * intervalMs, delayMs: 0, memoryShare: 0, sessions: 10, ...load };
    state = addLoad(state, sample, { maxDelayMs });
    return overloadCause(state);
  });
}

function repeat(count: number, load: Load): readonly Load[] {
  return Array.from({ length: count }, () => load);
}

const loads = fc.array(
  fc.record({ delayMs: fc.nat(1_500), memoryShare: fc.double({ min: 0, max: 1.5, noNaN: true }) }),
  {
    maxLength: 200,
  },
);

describe('delay', () => {
  it('is overload when every sample of a second is late', () => {
    const causes = causesOf(repeat(12, { delayMs: 501 }));
    expect(causes.indexOf('delay')).toBe(10);
    expect(causes.at(-1)).toBe('delay');
  });

  it.each([
    ['one long pause', [...repeat(3, {}), { delayMs: 60_000 }, ...repeat(30, {})]],
    ['a pause now and then', repeat(50, {}).map((_, index) => ({ delayMs: index % 10 === 0 ? 60_000 : 0 }))],
    ['the bound itself', repeat(50, { delayMs: 500 })],
  ])('is none for %s', (_what, given) => {
    expect(causesOf(given)).not.toContain('delay');
  });

  it('is over when every sample of two seconds is half as late as it may be', () => {
    const causes = causesOf([...repeat(11, { delayMs: 600 }), ...repeat(30, { delayMs: 250 })]);
    expect(causes.lastIndexOf('delay')).toBe(11 + 19);
  });

  it('stays overload between both bounds', () => {
    expect(causesOf([...repeat(11, { delayMs: 600 }), ...repeat(100, { delayMs: 251 })]).at(-1)).toBe('delay');
  });

  it('may be any where no bound is set', () => {
    expect(causesOf(repeat(50, { delayMs: 60_000 }), 0)).not.toContain('delay');
  });

  it('changes its mind once in a second at most', () => {
    fc.assert(
      fc.property(loads, (given) => {
        const causes = causesOf(given.map(({ delayMs }) => ({ delayMs })));
        const changes = causes.flatMap((cause, index) => (cause === causes[index - 1] ? [] : [index])).slice(1);
        for (const [at, index] of changes.entries()) {
          expect(index - (changes[at - 1] ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(1_000 / intervalMs);
        }
      }),
    );
  });
});

describe('memory', () => {
  it('is overload as soon as it is over its bound', () => {
    expect(causesOf([{ memoryShare: 1 }, { memoryShare: 1.01 }])).toEqual([undefined, 'memory']);
  });

  it('is no longer overload when it is well below its bound', () => {
    expect(causesOf([1.01, 0.95, 0.91, 0.9].map((memoryShare) => ({ memoryShare })))).toEqual([
      'memory',
      'memory',
      'memory',
      undefined,
    ]);
  });

  it('that is kept when sessions end lets as many in again as used it up', () => {
    const sessions = [100, 91, 90, 95, 99, 100, 91, 90];
    expect(causesOf(sessions.map((count) => ({ memoryShare: 1.01, sessions: count })))).toEqual([
      'memory',
      'memory',
      undefined,
      undefined,
      undefined,
      'memory',
      'memory',
      undefined,
    ]);
  });

  it('that grows on with fewer sessions lets in no more than those', () => {
    const given = [
      { memoryShare: 1.01, sessions: 100 },
      { memoryShare: 1.01, sessions: 50 },
      { memoryShare: 1.07, sessions: 50 },
      { memoryShare: 1.07, sessions: 45 },
      { memoryShare: 1.07, sessions: 50 },
    ];
    expect(causesOf(given)).toEqual(['memory', undefined, 'memory', undefined, 'memory']);
  });

  test('never keeps the first session out', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.double({ min: 0, max: 9, noNaN: true }), fc.nat(5))), (given) => {
        const causes = causesOf(given.map(([memoryShare, sessions]) => ({ memoryShare, sessions })));
        for (const [index, [, sessions]] of given.entries()) if (sessions === 0) expect(causes[index]).toBeUndefined();
      }),
    );
  });
});

describe('overload', () => {
  test('is there with a load wherever it is there with a lesser one', () => {
    fc.assert(
      fc.property(loads, fc.array(fc.nat(1_000), { maxLength: 200 }), (given, more) => {
        const heavier = given.map(({ delayMs, memoryShare }, index) => ({
          delayMs: delayMs + (more[index] ?? 0),
          memoryShare: memoryShare + (more[index] ?? 0) / 1_000,
        }));
        const causes = causesOf(given);
        const heavierCauses = causesOf(heavier);
        for (const [index, cause] of causes.entries()) {
          if (cause !== undefined) expect(heavierCauses[index]).toBeDefined();
        }
      }),
    );
  });

  test('comes to an end without a load, whatever was before', () => {
    fc.assert(
      fc.property(loads, (given) => {
        expect(causesOf([...given, ...repeat(21, {})]).at(-1)).toBeUndefined();
      }),
    );
  });
});
