import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  addLogin,
  countToHold,
  type Demand,
  demandAt,
  maxReadyAgeMs,
  noDemand,
  pauseAfterFailures,
} from '../../src/policy/ready-connections.ts';

const hourMs = 3_600_000;

/** The demand just after logins that came so many ms apart for five minutes. */
function steadyDemand(intervalMs: number): { readonly demand: Demand; readonly nowMs: number } {
  let demand = noDemand;
  let nowMs = 0;
  for (; nowMs <= 300_000; nowMs += intervalMs) demand = addLogin(demand, nowMs);
  return { demand, nowMs: nowMs - intervalMs };
}

describe('demand', () => {
  it.each([20, 100, 1000, 5000])('of a login every %d ms is that rate', (intervalMs) => {
    const { demand, nowMs } = steadyDemand(intervalMs);
    const perSecond = 1000 / intervalMs;
    // Between just behind a login and just ahead of the next.
    expect(demandAt(demand, nowMs)).toBeGreaterThanOrEqual(perSecond * 0.99);
    expect(demandAt(demand, nowMs + intervalMs)).toBeLessThanOrEqual(perSecond * 1.01);
  });

  it('falls with time and never rises by itself', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        fc.nat(hourMs),
        fc.nat(hourMs),
        (perSecond, one, other) => {
          const demand = { perSecond, atMs: 0 };
          const [sooner, later] = one < other ? [one, other] : [other, one];
          expect(demandAt(demand, later)).toBeLessThanOrEqual(demandAt(demand, sooner));
          expect(demandAt(demand, later)).toBeGreaterThanOrEqual(0);
        },
      ),
    );
  });
});

describe('countToHold', () => {
  const facts = {
    perSecond: fc.double({ min: 0, max: 1e6, noNaN: true }),
    connectMs: fc.double({ min: 0, max: 60_000, noNaN: true }),
    max: fc.nat(100),
  };

  test('is a whole number from 0 to the bound', () => {
    fc.assert(
      fc.property(fc.record(facts), (given) => {
        const count = countToHold(given);
        expect(Number.isInteger(count)).toBe(true);
        expect(count).toBeGreaterThanOrEqual(0);
        expect(count).toBeLessThanOrEqual(given.max);
      }),
    );
  });

  test('does not fall with the demand', () => {
    fc.assert(
      fc.property(fc.record(facts), facts.perSecond, (given, more) => {
        expect(countToHold({ ...given, perSecond: given.perSecond + more })).toBeGreaterThanOrEqual(countToHold(given));
      }),
    );
  });

  test('is no more than are used before they are too old, but one', () => {
    fc.assert(
      fc.property(fc.record(facts), (given) => {
        const usedInTime = (given.perSecond * maxReadyAgeMs) / 1000;
        expect(countToHold(given)).toBeLessThanOrEqual(Math.max(1, usedInTime));
      }),
    );
  });

  it.each([
    { logins: 'none', demand: noDemand, nowMs: 0 },
    { logins: 'a single one', demand: addLogin(noDemand, 0), nowMs: 0 },
    { logins: 'one every 20 s', ...steadyDemand(20_000) },
    { logins: 'a hundred at once, three minutes ago', demand: { perSecond: 100 / 30, atMs: 0 }, nowMs: 180_000 },
  ])('is 0 after $logins', ({ demand, nowMs }) => {
    expect(countToHold({ perSecond: demandAt(demand, nowMs), connectMs: 5_000, max: 8 })).toBe(0);
  });

  it.each([
    { intervalMs: 10_000, connectMs: 100, count: 1 },
    { intervalMs: 2, connectMs: 14.9, count: 0 },
    { intervalMs: 2, connectMs: 15, count: 8 },
    { intervalMs: 1_000, connectMs: 100, count: 1 },
    { intervalMs: 100, connectMs: 90, count: 3 },
    { intervalMs: 20, connectMs: 100, count: 8 },
    { intervalMs: 10_000, connectMs: 10_000, count: 2 },
  ])('is $count for a login every $intervalMs ms where a connection takes $connectMs ms', (given) => {
    const { demand, nowMs } = steadyDemand(given.intervalMs);
    const { connectMs, count } = given;
    expect(countToHold({ perSecond: demandAt(demand, nowMs), connectMs, max: 8 })).toBe(count);
  });
});

describe('pauseAfterFailures', () => {
  it('doubles from a second to a minute', () => {
    expect([0, 1, 2, 3, 6, 7, 8, 1_000_000].map(pauseAfterFailures)).toEqual([
      0, 1_000, 2_000, 4_000, 32_000, 60_000, 60_000, 60_000,
    ]);
  });
});
