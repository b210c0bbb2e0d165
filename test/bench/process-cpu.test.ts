import { describe, expect, it } from 'vitest';
import { type ProcessStat, parseStat, treeOf } from './process-cpu.ts';

describe('parseStat', () => {
  it('adds the times of the process and of the children it waited for', () => {
    const text = '4242 (haproxy) S 17 4242 4242 0 -1 4194304 1000 2000 3 4 150 50 25 75 20 0 1 0 99 1 1\n';
    expect(parseStat(text)).toEqual({ pid: 4242, parent: 17, cpuSeconds: 3 });
  });

  it('is not misled by brackets and spaces in a name', () => {
    const text = '7 (a) S 1 (b) R 3 7 7 0 -1 0 0 0 0 0 100 0 0 0 20 0 1 0 9 1 1\n';
    expect(parseStat(text)).toEqual({ pid: 7, parent: 3, cpuSeconds: 1 });
  });

  it.each(['', '12 (cut', '12 (cut) S 1 2'])('finds nothing in %j', (text) => {
    expect(parseStat(text)).toBeUndefined();
  });
});

describe('treeOf', () => {
  const process = (pid: number, parent: number): ProcessStat => ({ pid, parent, cpuSeconds: 1 });
  const idsOf = (root: number, processes: readonly ProcessStat[]): number[] =>
    treeOf(root, processes)
      .map(({ pid }) => pid)
      .toSorted((a, b) => a - b);

  it('holds a process, its children and theirs, and nobody else', () => {
    const processes = [process(1, 0), process(30, 20), process(10, 1), process(20, 10), process(11, 1)];
    expect(idsOf(10, processes)).toEqual([10, 20, 30]);
  });

  it('ends where parents form a circle, as they seem to while process ids are reused', () => {
    expect(idsOf(10, [process(10, 20), process(20, 10)])).toEqual([10, 20]);
  });
});
