import { describe, expect, it } from 'vitest';
import { Deadlines } from '../../src/commands/deadlines.ts';
import type { GateEvent } from '../../src/proxy/events.ts';

const dayMs = 86_400_000;

/** Looks once a day from day 0 on; resolves to what was told on which day. */
function watchFor(days: number, ends: { readonly certificate?: number; readonly exception?: number }) {
  const told: (readonly [day: number, kind: GateEvent['kind'], daysLeft: unknown])[] = [];
  let day = 0;
  let certificateEnd = ends.certificate;
  using deadlines = new Deadlines({
    listCertificates: () =>
      certificateEnd === undefined ? [] : [{ name: 'mail.pem', expiresAtMs: certificateEnd * dayMs }],
    listeners: [{ name: 'lan', ...(ends.exception !== undefined && { plaintextEndsAtMs: ends.exception * dayMs }) }],
    report: (event) => told.push([day, event.kind, 'daysLeft' in event ? event.daysLeft : undefined]),
    nowMs: () => day * dayMs,
  });
  for (day = 1; day <= days; day += 1) {
    deadlines.look();
    deadlines.look();
  }
  return { told, renew: (end: number) => (certificateEnd = end), deadlines };
}

describe(Deadlines, () => {
  it('warns of a certificate 30, 14, 7, 3 and 1 days ahead and when it has expired, once each', () => {
    const { told } = watchFor(45, { certificate: 40 });
    expect(told.map(([day, , left]) => [day, left])).toEqual([
      [10, 30],
      [26, 14],
      [33, 7],
      [37, 3],
      [39, 1],
      [40, 0],
    ]);
    expect(new Set(told.map(([, kind]) => kind))).toEqual(new Set(['certificateExpiring']));
  });

  it('warns at the start of what ends soon', () => {
    expect(watchFor(0, { certificate: 5, exception: 20 }).told).toEqual([
      [0, 'certificateExpiring', 5],
      [0, 'plaintextExceptionEnding', 20],
    ]);
  });

  it('warns of an exception each day of its last 30, and once when it is over', () => {
    const { told } = watchFor(60, { exception: 40 });
    expect(told.map(([day]) => day)).toEqual(Array.from({ length: 31 }, (_, index) => index + 10));
    expect(told.at(-1)).toEqual([40, 'plaintextExceptionEnding', 0]);
  });

  it('says nothing of what ends late or never', () => {
    expect(watchFor(5, { certificate: 90, exception: 90 }).told).toEqual([]);
    expect(watchFor(5, {}).told).toEqual([]);
  });

  it('warns again of a renewed certificate', () => {
    const { told, renew, deadlines } = watchFor(1, { certificate: 3 });
    renew(90);
    deadlines.look();
    renew(4);
    deadlines.look();
    expect(told.map(([, , left]) => left)).toEqual([3, 2]);
  });
});
