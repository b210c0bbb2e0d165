import fc from 'fast-check';
import { limitNames } from '../../../src/policy/login-limits.ts';
import { dayMs, hourMs, limitsOf, minuteMs } from './store-under-test.ts';

/** Small enough that random sequences come to each limit, and to blocks that double. */
export const steppedLimits = limitsOf({
  perAddress: { threshold: 4 },
  perNetwork: { threshold: 6, maxBlockMs: hourMs },
  perAccount: { threshold: 4, blockMs: 5 * minuteMs, maxBlockMs: dayMs },
  perAddressAndAccount: { threshold: 2 },
  accountsPerNetwork: { threshold: 3, windowMs: hourMs, maxBlockMs: 3 * minuteMs },
  passwordsPerAccount: { threshold: 3, windowMs: dayMs, blockMs: hourMs, maxBlockMs: dayMs },
  knownForMs: 3 * dayMs,
});

export const accounts = ['alice@att.net', 'bob@att.net', 'carol@example.org', 'mallory from 192.0.2.7'];
export const addresses = ['192.0.2.7', '192.0.2.8', '198.51.100.7', '2001:db8:1:1::7', '2001:db8:1:2::7'];
export const passwords = ['one', 'two', 'three', 'four', 'five', 'six'];

const login = fc.record({
  account: fc.constantFrom(...accounts),
  address: fc.constantFrom(...addresses),
  password: fc.constantFrom(...passwords),
  isExempt: fc.integer({ min: 0, max: 19 }).map((chance) => chance === 19),
});
const stepMs = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 10_000 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 20 * minuteMs }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 4 * dayMs }) },
);
const session = fc.record({ account: fc.constantFrom(...accounts), sessionId: fc.constantFrom('s1', 's2', 's3') });

/** Anything that may happen. */
export const steps = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('look' as const), login }) },
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('refused' as const), login }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('guessing' as const), login }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('accepted' as const), login }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('replayed' as const),
      settlements: fc.array(fc.record({ login, isAccepted: fc.boolean(), stepMs }), { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('release' as const), login }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('sessions' as const),
      live: fc.array(session, { maxLength: 3 }),
      ended: fc.array(session, { maxLength: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lift' as const), which: fc.nat(5) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('restore' as const),
      login,
      limit: fc.constantFrom(...limitNames),
      // Redis's expiries go by the time that the test takes.
      forMs: fc.oneof(fc.integer({ min: -minuteMs, max: 0 }), fc.integer({ min: 2 * minuteMs, max: dayMs })),
      strikes: fc.integer({ min: 1, max: 4 }),
      hasOwners: fc.boolean(),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: stepMs }) },
);

/** Something that happens to a store. */
export type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never;
