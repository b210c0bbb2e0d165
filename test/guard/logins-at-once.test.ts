import { afterAll, describe, expect, test } from 'vitest';
import { attemptOf, logIn, verdictOn } from './fixtures.ts';
import { openGuardPlaces } from './guard-under-test.ts';

const places = await openGuardPlaces();
afterAll(() => places[Symbol.asyncDispose]());
const { create } = places;

describe.for(['memory', 'redis'] as const)('logins at once, with limits in %s,', (kind) => {
  const it = test.skipIf(kind === 'redis' && !places.hasRedis);

  it('lets no more strangers try an account at a time than may still fail', async () => {
    await using tested = create(kind, { perAccount: { threshold: 3 } });
    const guesses = Array.from({ length: 30 }, (_, index) =>
      attemptOf({ address: `192.0.2.${index}`, password: `guess ${index}` }),
    );
    const verdicts = await Promise.all(guesses.map((each) => tested.guard.admit(each)));
    expect(verdicts.filter(({ kind: verdict }) => verdict === 'allowed')).toHaveLength(3);
    expect(verdicts.at(-1)).toMatchObject({ reason: 'busy', reply: expect.stringMatching(/^\[SYS\/TEMP\] /) });
    expect(await verdictOn(tested.guard, { account: 'carol@att.net' })).toBe('allowed');
    for (const each of guesses) tested.guard.release(each);
    await expect.poll(() => verdictOn(tested.guard)).toBe('allowed');
  });

  it('lets no more strangers try one and the same password at a time either', async () => {
    await using tested = create(kind, { perAccount: { threshold: 3 } });
    const guesses = Array.from({ length: 30 }, (_, index) => attemptOf({ address: `192.0.${index}.7` }));
    const verdicts = await Promise.all(guesses.map((each) => tested.guard.admit(each)));
    expect(verdicts.filter(({ kind: verdict }) => verdict === 'allowed')).toHaveLength(3);
  });

  it('lets no pair and no address have more logins under way than its limit', async () => {
    await using tested = create(kind, { perAddressAndAccount: { threshold: 2 }, loginsPerAddress: 4 });
    await logIn(tested.guard, { outcome: 'accepted' });
    const attempts = [0, 1, 2].map((index) => attemptOf({ sessionId: `here-${index}` }));
    const verdicts = await Promise.all(attempts.map((each) => tested.guard.admit(each)));
    expect(verdicts.map(({ kind: verdict }) => verdict)).toEqual(['allowed', 'allowed', 'refused']);
    for (const account of ['bob@att.net', 'carol@att.net']) {
      expect((await tested.guard.admit(attemptOf({ account }))).kind).toBe('allowed');
    }
    expect(await verdictOn(tested.guard, { account: 'dave@att.net' })).toBe('busy');
    for (const each of attempts) tested.guard.release(each);
    expect(await verdictOn(tested.guard, { account: 'dave@att.net' })).toBe('allowed');
  });

  it('lets no more strangers of a network spray at a time than may fail there, and owners in beside them', async () => {
    await using tested = create(kind, { perNetwork: { threshold: 4 } });
    await logIn(tested.guard, { outcome: 'accepted' });
    const spray = Array.from({ length: 30 }, (_, index) =>
      attemptOf({ address: `192.0.2.${100 + index}`, account: `user${index}@att.net` }),
    );
    const verdicts = await Promise.all(spray.map((each) => tested.guard.admit(each)));
    expect(verdicts.filter(({ kind: verdict }) => verdict === 'allowed')).toHaveLength(4);
    expect(verdicts.at(-1)).toMatchObject({ reason: 'busy', limit: 'perNetwork' });
    expect(await verdictOn(tested.guard)).toBe('allowed');
    expect(await verdictOn(tested.guard, { account: 'bob@att.net', address: '198.51.100.7' })).toBe('allowed');
    for (const each of spray) tested.guard.release(each);
    expect(await verdictOn(tested.guard, { account: 'bob@att.net' })).toBe('allowed');
  });
});
