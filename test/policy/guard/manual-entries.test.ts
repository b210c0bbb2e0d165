import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalTarget,
  type EntryTarget,
  ManualEntries,
  type ManualEntry,
} from '../../../src/policy/guard/manual-entries.ts';

const nowMs = 1_000_000;

function entry(effect: ManualEntry['effect'], target: EntryTarget, change: Partial<ManualEntry> = {}): ManualEntry {
  return { effect, target, reason: 'A reason', by: 'ops', addedAtMs: 0, ...change };
}

function entriesOf(...added: readonly ManualEntry[]): ManualEntries {
  const entries = new ManualEntries();
  for (const each of added) entries.add(each);
  return entries;
}

const alice = { address: '192.0.2.7', accounts: ['alice@corp', 'alice@corp.test'] };

describe('manual entries', () => {
  it.each<[string, EntryTarget, boolean]>([
    ['its address', { network: '192.0.2.7' }, true],
    ['its network', { network: '192.0.2.0/29' }, true],
    ['all networks', { network: '0.0.0.0/0' }, true],
    ['another network', { network: '192.0.2.8/29' }, false],
    ['all networks of the other family', { network: '::/0' }, false],
    ['the account that it is counted by', { account: 'alice@corp' }, true],
    ['the account that is shown, in other letters', { account: 'Alice@Corp.TEST' }, true],
    ['all of its domain', { account: '*@corp.test' }, true],
    ['a domain above its own', { account: '*@test' }, false],
    ['another account', { account: 'bob@corp.test' }, false],
  ])('block a login by %s, or leave it alone', (_, target, isBlocked) => {
    const block = entry('block', target);
    const verdict = entriesOf(block).match(alice, nowMs);
    expect(verdict.block).toEqual(isBlocked ? block : undefined);
  });

  it('take an IPv4-mapped address for the IPv4 address', () => {
    const entries = entriesOf(entry('block', { network: '192.0.2.0/24' }));
    expect(entries.match({ address: '::ffff:192.0.2.7' }, nowMs).block).toBeDefined();
  });

  it('tell whether the address or the account is allowed, beside a block', () => {
    const block = entry('block', { account: '*@corp.test' });
    const entries = entriesOf(block, entry('allow', { network: '192.0.2.0/24' }));
    expect(entries.match(alice, nowMs)).toEqual({ block, isAddressAllowed: true, isAccountAllowed: false });
    entries.add(entry('allow', { account: 'alice@corp.test' }));
    entries.remove(block);
    expect(entries.match(alice, nowMs)).toEqual({ isAddressAllowed: true, isAccountAllowed: true });
  });

  it('hold until they end, and tell the reason of the block that ends last', () => {
    const short = entry('block', { network: '192.0.2.7' }, { untilMs: nowMs + 1 });
    const long = entry('block', { network: '192.0.2.0/24' }, { untilMs: nowMs + 2 });
    const entries = entriesOf(short, long);
    expect(entries.match(alice, nowMs).block).toBe(long);
    expect(entries.match(alice, nowMs + 2).block).toBeUndefined();
    const endless = entry('block', { account: '*@corp' });
    entries.add(endless);
    expect(entries.match(alice, nowMs).block).toBe(endless);
  });

  it('replace one of the same effect and target, and keep one of the other effect', () => {
    const entries = entriesOf(entry('block', { network: '10.0.0.0/8' }), entry('allow', { network: '10.0.0.0/8' }));
    const renewed = entry('block', { network: '10.0.0.0/8' }, { reason: 'Another' });
    entries.add(renewed);
    expect(entries.size).toBe(2);
    expect(entries.match({ address: '10.1.2.3' }, nowMs)).toMatchObject({ block: renewed, isAddressAllowed: true });
  });

  it('do not take in what can match nothing', () => {
    expect(new ManualEntries().add(entry('block', { network: '10.0.0.1/8' }))).toBe(false);
  });

  it('match nothing once all were removed, in whichever order', () => {
    const targets: EntryTarget[] = [
      { network: '192.0.2.7' },
      { network: '192.0.2.0/24' },
      { account: 'alice@corp' },
      { account: '*@corp' },
    ];
    const all = targets.flatMap((target) => [entry('block', target), entry('allow', target)]);
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (order) => {
        const entries = entriesOf(...all);
        for (const each of order) entries.remove(each);
        expect(entries.size).toBe(0);
        expect(entries.match(alice, nowMs)).toEqual({ isAddressAllowed: false, isAccountAllowed: false });
      }),
    );
  });
});

describe('the target of an entry', () => {
  it.each<[EntryTarget, EntryTarget]>([
    [{ network: '2001:DB8::/48' }, { network: '2001:db8::/48' }],
    [{ account: ' Alice@Corp.Test ' }, { account: 'alice@corp.test' }],
    [{ account: '*@CORP.test' }, { account: '*@corp.test' }],
    [{ account: 'scanner' }, { account: 'scanner' }],
  ])('is put in one spelling: %j', (target, canonical) => {
    expect(canonicalTarget(target)).toEqual(canonical);
  });

  it.each<EntryTarget>([
    { network: 'corp.test' },
    { account: '' },
    { account: '*' },
    { account: '*@' },
    { account: '*@*' },
    { account: 'a*@corp.test' },
    { account: 'alice@corp.test\n' },
    { account: 'a'.repeat(321) },
  ])('is refused where it could match nothing, or more than was meant: %j', (target) => {
    expect(canonicalTarget(target)).toBeUndefined();
  });
});
