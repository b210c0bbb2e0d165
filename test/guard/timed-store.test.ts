import { expect, it } from 'vitest';
import type { GuardStore } from '../../src/guard/guard-store.ts';
import { timedStore } from '../../src/guard/timed-store.ts';
import { StoreUnavailable } from '../../src/proxy/store-unavailable.ts';

const login = {
  sessionId: 's',
  account: 'a',
  address: '192.0.2.7',
  network: '192.0.2.0',
  credential: 'c',
  accountHash: 'h',
  isExempt: false,
};
const facts = { nowMs: 1, blocks: [], liveSessions: 0, pairMembers: [], addressFailures: 0, isReserved: true };

/** Notes what is asked with what, and answers; blocks cannot be counted. */
function recordingStore() {
  const asked: unknown[] = [];
  const answer =
    (name: string, value?: unknown) =>
    async (...args: unknown[]): Promise<never> => {
      asked.push([name, ...args]);
      return value as never;
    };
  const store: GuardStore = {
    look: answer('look', facts),
    release: answer('release'),
    countFailure: answer('countFailure'),
    noteAccepted: answer('noteAccepted'),
    noteSessions: answer('noteSessions'),
    describeAccount: answer('describeAccount'),
    listBlocks: answer('listBlocks', []),
    restoreBlocks: answer('restoreBlocks'),
    liftBlock: answer('liftBlock', true),
    countBlocks: async () => {
      throw new StoreUnavailable('Cannot ask Redis: it is down');
    },
  };
  return { store, asked };
}

it('passes every call on and tells its name and time, failed ones included', async () => {
  const { store, asked } = recordingStore();
  const calls: [string, number][] = [];
  const timed = timedStore(store, (operation, durationMs) => calls.push([operation, durationMs]));
  const block = { limit: 'perAccount', subject: 'a' } as const;
  expect(await timed.look(login)).toBe(facts);
  await timed.release(login);
  await timed.countFailure(login, 5);
  await timed.noteAccepted(login, { pairMembers: [] });
  await timed.noteSessions({ live: [], ended: [] });
  await timed.describeAccount('a');
  expect(await timed.listBlocks()).toEqual([]);
  await timed.restoreBlocks([]);
  expect(await timed.liftBlock(block)).toBe(true);
  await expect(timed.countBlocks()).rejects.toBeInstanceOf(StoreUnavailable);

  expect(calls.map(([operation]) => operation)).toEqual(Object.keys(store));
  expect(calls.every(([, durationMs]) => durationMs >= 0)).toBe(true);
  expect(asked).toEqual([
    ['look', login],
    ['release', login],
    ['countFailure', login, 5],
    ['noteAccepted', login, { pairMembers: [] }],
    ['noteSessions', { live: [], ended: [] }],
    ['describeAccount', 'a'],
    ['listBlocks'],
    ['restoreBlocks', []],
    ['liftBlock', block],
  ]);
});
