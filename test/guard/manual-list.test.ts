import { describe, expect, it } from 'vitest';
import { formatEntryId } from '../../src/guard/entry-id.ts';
import { EntryRefused } from '../../src/guard/entry-request.ts';
import type { NewEntry } from '../../src/guard/guard-ports.ts';
import { SharedManualList } from '../../src/guard/manual-list.ts';
import { maxManualEntries } from '../../src/guard/manual-store.ts';
import { recordEvents } from './fixtures.ts';

const nowMs = 1_000_000;

function createList(): { readonly list: SharedManualList; readonly clock: { nowMs: number } } {
  const clock = { nowMs };
  const list = new SharedManualList({
    onChange: () => {},
    onBlock: () => {},
    report: recordEvents().report,
    nowMs: () => clock.nowMs,
  });
  return { list, clock };
}

const spam: NewEntry = { effect: 'block', target: { network: '192.0.2.0/24' }, reason: 'Sends spam' };

describe('a manual list of one process', () => {
  it('shows who added what, until when and why', async () => {
    const { list } = createList();
    const block = await list.add({ ...spam, reason: '  Sends spam ', untilMs: nowMs + 5 }, 'ops');
    expect(block).toEqual({
      id: formatEntryId(spam),
      effect: 'block',
      origin: 'manual',
      subject: '192.0.2.0/24',
      reason: 'Sends spam',
      by: 'ops',
      addedAtMs: nowMs,
      untilMs: nowMs + 5,
    });
    expect(await list.list()).toEqual([block]);
  });

  it('has one entry for a target and an effect: the last', async () => {
    const { list } = createList();
    await list.add(spam, 'ops');
    await list.add({ ...spam, reason: 'Still does' }, 'night shift');
    await list.add({ ...spam, effect: 'allow' }, 'ops');
    expect((await list.list()).map(({ effect, reason }) => [effect, reason])).toEqual([
      ['block', 'Still does'],
      ['allow', 'Sends spam'],
    ]);
  });

  it('forgets what is over', async () => {
    const { list, clock } = createList();
    const { id } = await list.add({ ...spam, untilMs: nowMs + 5 }, 'ops');
    clock.nowMs += 5;
    expect(list.match({ address: '192.0.2.7' }).block).toBeUndefined();
    expect(await list.list()).toEqual([]);
    expect(await list.lift(id, 'ops')).toBe(false);
  });

  it.each<[string, Partial<NewEntry>]>([
    ['network', { target: { network: '192.0.2.7/24' } }],
    ['account', { target: { account: 'a*@corp.test' } }],
    ['reason', { reason: ' ' }],
    ['reason', { reason: 'x'.repeat(201) }],
    ['reason', { reason: 'Two\nlines' }],
    ['reason', { reason: 'Right to left \u{202e}' }],
    ['end', { untilMs: nowMs }],
  ])('refuses an entry that cannot be used, and says what is wrong: %s', async (what, change) => {
    const { list } = createList();
    await expect(list.add({ ...spam, ...change }, 'ops')).rejects.toThrow(`Cannot use the ${what}`);
    expect(await list.list()).toEqual([]);
  });

  it('is bounded, and takes a new one when another is lifted', async () => {
    const { list } = createList();
    for (let index = 0; index < maxManualEntries; index += 1) {
      await list.add({ ...spam, target: { account: `u${index}@corp.test` } }, 'ops');
    }
    await expect(list.add(spam, 'ops')).rejects.toThrow(EntryRefused);
    await list.add({ ...spam, target: { account: 'u7@corp.test' }, reason: 'Renewed' }, 'ops');
    await list.lift(formatEntryId({ effect: 'block', target: { account: 'u8@corp.test' } }), 'ops');
    await list.add(spam, 'ops');
    expect(await list.list()).toHaveLength(maxManualEntries);
  });
});

describe('the id of an entry', () => {
  it('names effect and target, fits into a URL, and is that of no other entry', () => {
    const targets = [
      { network: '2001:db8::/32' },
      { network: '192.0.2.7' },
      { account: '192.0.2.7' },
      { account: 'a@corp.test' },
      { account: '*@corp.test' },
    ];
    const ids = targets.flatMap((target) => [
      formatEntryId({ effect: 'allow', target }),
      formatEntryId({ effect: 'block', target }),
    ]);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[\w.-]+$/);
  });
});
