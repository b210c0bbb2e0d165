import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { limitsOf } from './fixtures.ts';
import { addressBlock, type InstanceUnderTest, SharedWorld, settle, startInstance } from './instances-under-test.ts';

const name = { limit: 'perAddress', subject: '192.0.2.7' } as const;
const entryOf = (target: { network: string } | { account: string }) =>
  ({ effect: 'block', target, reason: 'Sends spam' }) as const;

let world: SharedWorld;
let here: InstanceUnderTest;
let there: InstanceUnderTest;

beforeEach(async () => {
  world = new SharedWorld(limitsOf({ perAddress: {} }));
  here = startInstance(world);
  there = startInstance(world);
});

afterEach(() => {
  here[Symbol.dispose]();
  there[Symbol.dispose]();
});

async function resync({ instances }: InstanceUnderTest): Promise<void> {
  await instances.catchUp();
}

const subjects = async ({ local }: InstanceUnderTest) => (await local.listBlocks()).map(({ subject }) => subject);
const sharedSubjects = async () => (await world.shared.listBlocks()).map(({ subject }) => subject);

/** As the guard does: it is in the shared store and here before the others are told. */
async function place(instance: InstanceUnderTest, subject: string): Promise<void> {
  const block = addressBlock(world, subject);
  await world.shared.restoreBlocks([block]);
  await instance.local.restoreBlocks([block]);
  instance.instances.placed([block]);
  await settle();
}

async function lift(instance: InstanceUnderTest): Promise<void> {
  instance.instances.lifted(name);
  await instance.local.liftBlock(name);
  await world.shared.liftBlock(name);
  await settle();
}

describe('a block that one instance placed', () => {
  it('is known to the others at once, and lifted at once', async () => {
    await place(here, name.subject);
    expect(await subjects(there)).toEqual([name.subject]);
    await lift(there);
    expect(await subjects(here)).toEqual([]);
  });

  it('is never longer than the limit says, whatever the message says', async () => {
    here.instances.placed([{ ...addressBlock(world, name.subject), untilMs: world.nowMs * 2 }]);
    await settle();
    const [block] = await there.local.listBlocks();
    expect(block?.untilMs).toBe(world.nowMs + world.limits.perAddress.maxBlockMs);
  });

  it('is learnt at the next resync where the message was missed', async () => {
    there.access.isAway = true;
    await place(here, name.subject);
    expect(await subjects(there)).toEqual([]);
    there.access.comeBack();
    await settle();
    expect(await subjects(there)).toEqual([name.subject]);
  });

  it('is placed again where the shared store lost it', async () => {
    await place(here, name.subject);
    await world.shared.liftBlock(name);
    await resync(there);
    expect(await sharedSubjects()).toEqual([name.subject]);
  });

  it('does not come back by an instance that missed that it was lifted', async () => {
    await place(here, name.subject);
    there.access.isAway = true;
    world.nowMs += 30_000;
    await lift(here);
    there.access.comeBack();
    await settle();
    expect(await subjects(there)).toEqual([]);
    expect(await sharedSubjects()).toEqual([]);
  });

  it('holds again where it was placed anew after it was lifted, even if the shared store then loses it', async () => {
    await place(here, name.subject);
    await lift(here);
    await place(here, name.subject);
    await world.shared.liftBlock(name);
    await resync(there);
    expect(await sharedSubjects()).toEqual([name.subject]);
  });

  it('stays lifted where the store was away when it was lifted', async () => {
    await place(here, name.subject);
    here.access.isAway = true;
    here.instances.lifted(name);
    await here.local.liftBlock(name);
    await world.shared.liftBlock(name);
    here.access.comeBack();
    await settle();
    await resync(there);
    expect(await subjects(there)).toEqual([]);
    expect(await sharedSubjects()).toEqual([]);
  });

  it('is left to end where it is about to', async () => {
    const ending = { ...addressBlock(world, name.subject), untilMs: world.nowMs + 1_000 };
    await here.local.restoreBlocks([ending]);
    await resync(here);
    expect(await sharedSubjects()).toEqual([]);
  });
});

describe('a manual entry', () => {
  it('refuses on every instance at once, ends when it is lifted anywhere, and is in the log by name', async () => {
    const block = await here.instances.manual.add(entryOf({ network: '192.0.2.0/24' }), 'ops');
    await settle();
    expect(there.instances.manual.match({ address: '192.0.2.7' }).block?.reason).toBe('Sends spam');
    expect(there.manualBlocks).toMatchObject([{ target: { network: '192.0.2.0/24' } }]);
    expect(await there.instances.manual.lift(block.id, 'night shift')).toBe(true);
    await settle();
    expect(await here.instances.manual.list()).toEqual([]);
    expect(here.events).toMatchObject([
      { kind: 'blockAdded', subject: '192.0.2.0/24', by: 'ops', reason: 'Sends spam' },
    ]);
    expect(there.events).toMatchObject([{ kind: 'blockLifted', subject: '192.0.2.0/24', by: 'night shift' }]);
  });

  it('is known to an instance that starts later', async () => {
    await here.instances.manual.add(entryOf({ account: '*@corp.test' }), 'ops');
    using late = startInstance(world);
    await resync(late);
    expect(late.instances.manual.match({ address: '::1', accounts: ['a@corp.test'] }).block).toBeDefined();
  });

  it('that was added without the store holds here at once and everywhere when it is back', async () => {
    here.access.isAway = true;
    await here.instances.manual.add(entryOf({ account: 'a@corp.test' }), 'ops');
    const login = { address: '::1', accounts: ['a@corp.test'] };
    expect(here.instances.manual.match(login).block).toBeDefined();
    here.access.comeBack();
    await settle();
    expect(there.instances.manual.match(login).block).toBeDefined();
  });

  it('that was lifted without the store stays lifted', async () => {
    const { id } = await here.instances.manual.add(entryOf({ account: 'a@corp.test' }), 'ops');
    await settle();
    here.access.isAway = true;
    expect(await here.instances.manual.lift(id, 'ops')).toBe(true);
    here.access.comeBack();
    await settle();
    await resync(there);
    expect(await here.instances.manual.list()).toEqual([]);
    expect(await there.instances.manual.list()).toEqual([]);
  });

  it('comes back where the store lost it', async () => {
    await here.instances.manual.add(entryOf({ account: 'a@corp.test' }), 'ops');
    await settle();
    world.flush();
    await resync(there);
    expect([...world.entries.values()]).toMatchObject([{ target: { account: 'a@corp.test' } }]);
    await resync(here);
    expect(await here.instances.manual.list()).toHaveLength(1);
  });

  it('does not come back by an instance that missed that it was lifted', async () => {
    const { id } = await here.instances.manual.add(entryOf({ account: 'a@corp.test' }), 'ops');
    await settle();
    await resync(there);
    there.access.isAway = true;
    world.nowMs += 24 * 3_600_000;
    await here.instances.manual.lift(id, 'ops');
    await settle();
    there.access.comeBack();
    await settle();
    expect(await there.instances.manual.list()).toEqual([]);
    expect(world.entries.size).toBe(0);
  });

  it('is read only where something changed', async () => {
    await here.instances.manual.add(entryOf({ account: 'a@corp.test' }), 'ops');
    await resync(there);
    const { fullReads } = there.access;
    await resync(there);
    expect(there.access.fullReads).toBe(fullReads);
  });

  it('ends by the clock of the store, however wrong the own one is', async () => {
    using ahead = startInstance(world, { skewMs: 3_600_000 });
    await resync(ahead);
    const entry = { ...entryOf({ account: 'a@corp.test' }), untilMs: world.nowMs + 60_000 };
    await here.instances.manual.add(entry, 'ops');
    await settle();
    const login = { address: '::1', accounts: ['a@corp.test'] };
    expect(ahead.instances.manual.match(login).block).toBeDefined();
    world.nowMs += 60_001;
    expect(ahead.instances.manual.match(login).block).toBeUndefined();
  });
});

describe('the end of a session', () => {
  it('comes wherever the session is', async () => {
    there.sessions.add('there-1');
    expect(await here.instances.endSession('there-1', 'ops')).toBe(true);
    expect(there.sessions.size).toBe(0);
  });

  it('needs nobody else where the session is here', async () => {
    here.sessions.add('here-1');
    here.access.isAway = true;
    expect(await here.instances.endSession('here-1', 'ops')).toBe(true);
  });

  it('is none where no instance has it, or none can be asked', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const answer = here.instances.endSession('nowhere-1', 'ops');
    await settle();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await answer).toBe(false);
    vi.useRealTimers();
    there.sessions.add('there-1');
    here.access.isAway = true;
    expect(await here.instances.endSession('there-1', 'ops')).toBe(false);
    expect(await here.instances.endSession('x'.repeat(10_000), 'ops')).toBe(false);
  });
});

describe('a message that is none', () => {
  it.each([
    'no JSON',
    '{}',
    'null',
    JSON.stringify({ v: 2, from: 'x', news: { kind: 'sessionEnded', request: 'x' } }),
    JSON.stringify({ v: 1, from: 'x', news: { kind: 'rebootEverything' } }),
    JSON.stringify({ v: 1, from: 'x', news: { kind: 'blocksPlaced', blocks: [{ limit: '__proto__', subject: 'x' }] } }),
    JSON.stringify({ v: 1, from: 'x', news: { kind: 'entryChanged', id: 'x'.repeat(100_000) } }),
  ])('is left out, and told once: %.60s', async (text) => {
    world.publish(text);
    world.publish(text);
    await settle();
    expect(here.troubles).toEqual([expect.stringContaining('not understood')]);
    await place(here, name.subject);
    expect(await subjects(there)).toEqual([name.subject]);
  });

  it('does nothing where it names an entry that is not there', async () => {
    const { id } = await here.instances.manual.add(entryOf({ account: 'a@corp.test' }), 'ops');
    await settle();
    const [message = ''] = world.messages.filter((text) => text.includes('entryChanged'));
    world.publish(message.replace(id, 'block.bm9ib2R5'));
    await settle();
    expect(await there.instances.manual.list()).toHaveLength(1);
    expect(there.troubles).toEqual([]);
  });
});
