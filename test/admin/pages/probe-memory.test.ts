import { describe, expect, it } from 'vitest';
import { ProbeMemory } from '../../../src/admin/pages/probe-memory.ts';

function memoryAt() {
  const clock = { nowMs: 0 };
  const dialled: string[] = [];
  const answers: (() => void)[] = [];
  const dial = (name: string) => {
    dialled.push(name);
    const { promise, resolve } = Promise.withResolvers<{ capabilities: []; chain: [] } | undefined>();
    answers.push(() => resolve(name === 'none' ? undefined : { capabilities: [], chain: [] }));
    return promise;
  };
  const memory = new ProbeMemory(dial, () => clock.nowMs);
  const settle = async () => {
    for (const answer of answers.splice(0)) answer();
    await new Promise(setImmediate);
  };
  return { clock, dialled, memory, settle };
}

describe('ProbeMemory', () => {
  it('dials a few at a time, each once an hour', async () => {
    const { clock, dialled, memory, settle } = memoryAt();
    const names = ['a', 'b', 'c', 'd', 'e'];
    memory.refresh(names);
    memory.refresh(names);
    expect(dialled).toEqual(['a', 'b', 'c', 'd']);
    await settle();
    memory.refresh(names);
    await settle();
    expect(dialled).toEqual(names);
    clock.nowMs = 3_600_000;
    memory.refresh(names);
    expect(dialled).toEqual(names);
    clock.nowMs += 1;
    memory.refresh(names);
    expect(dialled).toHaveLength(9);
  });

  it('dials once for all who ask at the same time, and again for who asks later', async () => {
    const { dialled, memory, settle } = memoryAt();
    const asked = Promise.all([memory.probe('a'), memory.probe('a')]);
    await settle();
    expect(await asked).toEqual([true, true]);
    expect(memory.get('a')).toMatchObject({ atMs: 0 });
    void memory.probe('a');
    expect(dialled).toEqual(['a', 'a']);
  });

  it('says where there is no such upstream', async () => {
    const { memory, settle } = memoryAt();
    const asked = memory.probe('none');
    await settle();
    expect(await asked).toBe(false);
    expect(memory.get('none')).toBeUndefined();
  });
});
