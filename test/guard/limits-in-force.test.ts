import { describe, expect, it } from 'vitest';
import { LimitsInForce } from '../../src/guard/limits-in-force.ts';
import { guess, type LimitsUnderTest, limitsOf, openGuard, recordEvents, verdictOn } from './fixtures.ts';

const hashKey = 'the first key of the tests';

describe('LimitsInForce', () => {
  it('gives each value of the limits that were put in force last, but for the hash key', () => {
    const limits = new LimitsInForce(limitsOf({ hashKey }));
    const next = limitsOf({
      perAddress: { threshold: 91 },
      perNetwork: { threshold: 92 },
      perAccount: { threshold: 93 },
      perAddressAndAccount: { threshold: 94 },
      accountsPerNetwork: { threshold: 95 },
      passwordsPerAccount: { threshold: 96 },
      refusedPasswordsMs: 97,
      knownForMs: 98,
      loginsPerAddress: 99,
      sessionsPerAccount: 100,
      replyDelay: { firstMs: 101, maxMs: 102, sockets: 103 },
      exempt: { blocks: ['10.0.0.0/8'], includes: () => true },
      onStoreFailure: 'refuse',
      hashKey: 'another key of the tests',
    });

    limits.replace(next);

    const keys = Object.keys(next) as (keyof typeof next)[];
    const given = Object.fromEntries(keys.map((key) => [key, limits[key]]));
    expect(given).toEqual({ ...next, hashKey });
  });

  it.each<[string, LimitsUnderTest, LimitsUnderTest]>([
    ['a threshold', { perAccount: { threshold: 10 } }, { perAccount: { threshold: 3 } }],
    ['a window', { perAccount: { threshold: 3, windowMs: 0 } }, { perAccount: { threshold: 3, windowMs: 60_000 } }],
  ])('has a guard go by %s from the next failure on', async (_title, before, after) => {
    const limits = new LimitsInForce(limitsOf({ ...before, hashKey }));
    await using guard = openGuard({ limits, report: recordEvents().report });
    await guess(guard, { times: 3 });
    expect(await verdictOn(guard)).toBe('allowed');

    limits.replace(limitsOf({ ...after, hashKey }));
    await guess(guard, { times: 3, first: 4 });

    expect(await verdictOn(guard)).toContain('perAccount');
  });

  it('exempts from the next login on', async () => {
    const limits = new LimitsInForce(limitsOf({ perAccount: { threshold: 1 }, hashKey }));
    await using guard = openGuard({ limits, report: recordEvents().report });
    await guess(guard, { times: 1 });
    expect(await verdictOn(guard)).toContain('perAccount');

    limits.replace(limitsOf({ perAccount: { threshold: 1 }, exempt: { blocks: [], includes: () => true }, hashKey }));

    expect(await verdictOn(guard)).toBe('allowed');
  });
});
