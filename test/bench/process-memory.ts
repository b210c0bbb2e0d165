import { readdirSync, readFileSync } from 'node:fs';
import { treeIds } from './process-cpu.ts';

/** Of one process or several. */
export interface MemoryReading {
  /** Proportional: a page that several processes share counts in parts. */
  readonly pssKb: number;
  readonly rssKb: number;
}

/** Parses the text of `/proc/PID/smaps_rollup`; undefined where it is not that. */
export function parseSmapsRollup(text: string): MemoryReading | undefined {
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]);
  const reading = { pssKb: field('Pss'), rssKb: field('Rss') };
  return Object.values(reading).every(Number.isFinite) ? reading : undefined;
}

/** The memory of a running process and everything below it. */
export function treeMemory(root: number): MemoryReading {
  const readings = treeIds(root).flatMap((pid) => readOrNothing(pid) ?? []);
  return {
    pssKb: readings.reduce((sum, { pssKb }) => sum + pssKb, 0),
    rssKb: readings.reduce((sum, { rssKb }) => sum + rssKb, 0),
  };
}

/** Files and sockets that a running process has open. */
export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** How many files and sockets one process may have open, which every proxy is told to make use of. */
export function openFilesLimit(): number {
  const limits = readFileSync('/proc/self/limits', 'latin1');
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(limits)?.[1];
  return hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
}

function readOrNothing(pid: number): MemoryReading | undefined {
  try {
    return parseSmapsRollup(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'));
  } catch {
    return undefined; // ended in between
  }
}
