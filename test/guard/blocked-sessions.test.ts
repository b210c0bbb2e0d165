import { beforeEach, describe, expect, it } from 'vitest';
import { BlockedSessions } from '../../src/guard/blocked-sessions.ts';
import { type EntryTarget, ManualEntries, type ManualEntry } from '../../src/policy/guard/manual-entries.ts';

let ended: string[];
let entries: ManualEntries;
let sessions: BlockedSessions;

beforeEach(() => {
  ended = [];
  entries = new ManualEntries();
  sessions = new BlockedSessions((sessionId) => ended.push(sessionId));
  sessions.watch({ match: (login) => entries.match(login, 0) });
});

const blockOf = (target: EntryTarget): ManualEntry => ({
  effect: 'block',
  target,
  reason: 'x',
  by: 'ops',
  addedAtMs: 0,
});

function open(sessionId: string, address: string): void {
  sessions.record({ kind: 'sessionOpened', sessionId, listener: 'lan', address, port: 1, transport: 'stls' });
}

function startRelay(sessionId: string, { account, shown }: { account: string; shown: string }): void {
  sessions.opened({ sessionId, account });
  const traffic = { toUpstream: 0, toClient: 0 };
  const identity = { sessionId, listener: 'lan', address: '192.0.2.7' };
  sessions.record({ kind: 'relayStarted', ...identity, account: shown, upstream: 'corp', traffic });
}

describe('a new manual block', () => {
  it('ends the sessions of its network, logged in or not', () => {
    open('a', '192.0.2.7');
    open('b', '192.0.2.8');
    open('c', '198.51.100.7');
    startRelay('b', { account: 'alice@corp', shown: 'alice@corp.test' });
    sessions.endBlocked(blockOf({ network: '192.0.2.0/24' }));
    expect(ended).toEqual(['a', 'b']);
  });

  it.each(['alice@corp', 'alice@corp.test', '*@corp.test'])('ends the sessions of its account: %s', (account) => {
    for (const [id, name] of [
      ['a', 'alice'],
      ['b', 'bob'],
    ] as const) {
      open(id, '192.0.2.7');
      startRelay(id, { account: `${name}@corp`, shown: `${name}@corp.test` });
    }
    sessions.endBlocked(blockOf({ account }));
    expect(ended).toEqual(account.startsWith('*') ? ['a', 'b'] : ['a']);
  });

  it.each(['alice@corp', 'alice@corp.test'])('ends a session whose login it overtook: %s', async (account) => {
    open('a', '192.0.2.7');
    entries.add(blockOf({ account }));
    startRelay('a', { account: 'alice@corp', shown: 'alice@corp.test' });
    await Promise.resolve();
    expect(ended).toContain('a');
  });

  it('leaves sessions alone that are over', () => {
    open('a', '192.0.2.7');
    const traffic = { toUpstream: 0, toClient: 0 };
    const identity = { sessionId: 'a', listener: 'lan', address: '192.0.2.7' };
    sessions.record({ kind: 'sessionClosed', ...identity, reason: 'quit', durationMs: 1, traffic });
    sessions.endBlocked(blockOf({ network: '192.0.2.0/24' }));
    expect(ended).toEqual([]);
  });
});
