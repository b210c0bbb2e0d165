import { describe, expect, it, vi } from 'vitest';
import type { ToMain } from '../../../src/commands/workers/messages.ts';
import { WorkerDesk } from '../../../src/commands/workers/worker-desk.ts';
import { noCommands } from '../../../src/pop3/counted-command.ts';
import type { EntryRefusal } from '../../../src/proxy/entrance.ts';
import type { GateEvent } from '../../../src/proxy/events.ts';
import type { Guard, GuardVerdict, LoginAttempt } from '../../../src/proxy/ports.ts';
import { noReadAhead } from '../../../src/proxy/read-ahead-book.ts';
import { createRelayMeter } from '../../../src/proxy/relay-meter.ts';

const identity = { sessionId: 'test-1.1', listener: 'lan', address: '192.0.2.7' };
const attempt: LoginAttempt = {
  ...identity,
  account: 'user@corp.test',
  username: 'user@corp.test',
  password: 'open sesame',
  transport: 'stls',
  upstream: { name: 'corp', username: 'address' },
};
const live = { account: 'user@corp.test', sessionId: identity.sessionId };
const opened: ToMain = { kind: 'event', event: { kind: 'sessionOpened', ...identity, port: 1, transport: 'stls' } };
const relayed: ToMain = {
  kind: 'event',
  event: {
    ...{ kind: 'relayStarted', ...identity, account: 'user@corp.test', upstream: 'corp' },
    traffic: { toUpstream: 0, toClient: 0 },
  },
};

/** A desk, and all that reached what stands behind it. */
function openDesk({ verdict = Promise.resolve<GuardVerdict>({ kind: 'allowed' }) } = {}) {
  const told: (readonly [string, unknown])[] = [];
  const answers: (readonly [number, unknown])[] = [];
  const events: GateEvent[] = [];
  const tell = (what: string) => (of: unknown) => void told.push([what, of]);
  const guard: Guard = {
    refusesAddress: () => undefined,
    admit: () => verdict,
    release: tell('release'),
    settle: async (of, outcome) => {
      told.push([`settle ${outcome}`, of]);
      return { delayMs: 7 };
    },
    openSession: tell('openSession'),
    closeSession: tell('closeSession'),
  };
  const meter = createRelayMeter(() => 0);
  let refusal: EntryRefusal | undefined;
  const desk = new WorkerDesk(
    {
      ...{ guard, meter, report: (event) => events.push(event), onServed: () => {} },
      entrance: { enter: () => refusal, leave: tell('leave') },
    },
    { answer: (call, value) => answers.push([call, value]), onAnswer: () => {}, onListening: () => {} },
  );
  const refuse = (next: EntryRefusal): void => {
    refusal = next;
  };
  return { desk, told, answers, events, meter, refuse };
}

/** Lets what has been answered already be heard. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('WorkerDesk', () => {
  it('knows how late the worker is, also one that cannot tell any more', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    using _real = { [Symbol.dispose]: () => void vi.useRealTimers() };
    const { desk } = openDesk();
    expect(desk.lateMs).toBe(0);
    desk.hear([{ kind: 'beat', lateMs: 40 }]);
    vi.advanceTimersByTime(90);
    expect(desk.lateMs).toBe(40);
    vi.advanceTimersByTime(1_010);
    expect(desk.lateMs).toBe(1_000);
    desk.hear([{ kind: 'beat', lateMs: 0 }]);
    expect(desk.lateMs).toBe(0);
  });

  it('has one attempt for all that is told of a login', async () => {
    const { desk, told, answers } = openDesk();
    desk.hear([{ kind: 'admit', call: 1, login: 5, attempt }]);
    await settled();
    desk.hear([{ kind: 'refused', call: 2, login: 5 }]);
    await settled();
    desk.hear([
      { kind: 'accepted', login: 5 },
      { kind: 'release', login: 5 },
    ]);

    expect(answers).toEqual([
      [1, { kind: 'allowed' }],
      [2, { delayMs: 7 }],
    ]);
    expect(told.map(([what]) => what)).toEqual(['settle refused', 'settle accepted', 'release']);
    for (const [, of] of told) expect(of).toBe(attempt);
  });

  it('settles and releases nothing that was refused', async () => {
    const refused: GuardVerdict = { kind: 'refused', reason: 'limit', reply: 'no', delayMs: 0 };
    const { desk, told, answers } = openDesk({ verdict: Promise.resolve(refused) });
    desk.hear([{ kind: 'admit', call: 1, login: 5, attempt }]);
    await settled();
    desk.hear([
      { kind: 'refused', call: 2, login: 5 },
      { kind: 'accepted', login: 5 },
      { kind: 'release', login: 5 },
    ]);
    await settled();
    expect(answers).toEqual([
      [1, refused],
      [2, { delayMs: 0 }],
    ]);
    expect(told).toEqual([]);
  });

  it('gives back all that a lost worker held, and tells of its sessions', async () => {
    const { desk, told, events } = openDesk();
    desk.hear([
      { kind: 'enter', call: 1, address: identity.address },
      { kind: 'enter', call: 2, address: undefined },
      { kind: 'enter', call: 3, address: identity.address },
      { kind: 'leave', address: identity.address },
      opened,
      { kind: 'admit', call: 4, login: 5, attempt },
      { kind: 'openSession', session: live },
      relayed,
      {
        kind: 'status',
        status: { growth: noGrowth, traffic: [[identity.sessionId, 20, 300]], ready: [] },
      },
    ]);
    await settled();
    told.length = 0;

    expect(desk.lose()).toBe(1);

    expect(told).toEqual([
      ['release', attempt],
      ['closeSession', live],
      ['leave', identity.address],
      ['leave', undefined],
    ]);
    expect(events.at(-1)).toMatchObject({
      ...{ kind: 'sessionClosed', ...identity, reason: 'worker_lost' },
      traffic: { toUpstream: 20, toClient: 300 },
    });
  });

  it('gives nothing back that was given back already', async () => {
    const { desk, told, events } = openDesk();
    const closed: GateEvent = {
      ...{ kind: 'sessionClosed', ...identity, reason: 'client_closed', durationMs: 1 },
      traffic: { toUpstream: 0, toClient: 0 },
    };
    desk.hear([
      { kind: 'enter', call: 1, address: identity.address },
      opened,
      { kind: 'openSession', session: live },
      { kind: 'closeSession', session: live },
      { kind: 'event', event: closed },
      { kind: 'leave', address: identity.address },
    ]);
    told.length = 0;
    expect(desk.lose()).toBe(0);
    expect(told).toEqual([]);
    expect(events.at(-1)).toBe(closed);
  });

  it('releases a login that is admitted when its worker is lost already', async () => {
    const { promise: verdict, resolve } = Promise.withResolvers<GuardVerdict>();
    const { desk, told, answers } = openDesk({ verdict });
    desk.hear([{ kind: 'admit', call: 1, login: 5, attempt }]);
    desk.lose();
    resolve({ kind: 'allowed' });
    await settled();
    expect(told).toEqual([['release', attempt]]);
    expect(answers).toEqual([]);
  });

  it('counts no place for whom the entrance refuses', () => {
    const { desk, told, answers, refuse } = openDesk();
    refuse({ reason: 'max_total' });
    desk.hear([{ kind: 'enter', call: 1, address: identity.address }]);
    desk.lose();
    expect(answers).toEqual([[1, { reason: 'max_total' }]]);
    expect(told).toEqual([]);
  });

  it('shows the traffic of a live session as the worker tells it, and adds up what its relays moved', () => {
    const { desk, events, meter } = openDesk();
    desk.hear([opened, relayed]);
    const growth = {
      ...noGrowth,
      octetsToClient: 300,
      commands: { ...noCommands(), RETR: 2 },
      readAhead: new Map([['corp', { ...noReadAhead(), used: 3 }]]),
    };
    const status = { growth, traffic: [[identity.sessionId, 20, 300] as const], ready: [] };
    desk.hear([{ kind: 'status', status }]);
    desk.hear([{ kind: 'status', status }]);
    expect(events.at(-1)).toMatchObject({ kind: 'relayStarted', traffic: { toUpstream: 20, toClient: 300 } });
    expect(meter).toMatchObject({ octetsToUpstream: 0, octetsToClient: 600, commands: { RETR: 4, STAT: 0 } });
    expect([...meter.readAhead.list()]).toEqual([['corp', { ...noReadAhead(), used: 6 }]]);
  });
});

const noPauses = { count: 0, durationMs: 0 };
const noGrowth = {
  readAhead: new Map(),
  octetsToUpstream: 0,
  octetsToClient: 0,
  commands: noCommands(),
  pauses: { client: noPauses, upstream: noPauses },
};
