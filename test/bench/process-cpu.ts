import { readdirSync, readFileSync } from 'node:fs';

/** The kernel tells times in these to programs, whatever its own ticks are; 100 on every platform that Linux runs Node on. */
const ticksPerSecond = 100;

/** What `/proc/PID/stat` says of one process (proc_pid_stat(5)). */
export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  /** User and system time of the process and of the children that it has waited for. */
  readonly cpuSeconds: number;
}

/** Parses the text of `/proc/PID/stat`; undefined where it is not that. */
export function parseStat(text: string): ProcessStat | undefined {
  // The name may hold spaces and brackets itself, so the last bracket ends it.
  const pid = Number.parseInt(text, 10);
  const fields = text.slice(text.lastIndexOf(')') + 1).split(' ');
  const [parent = Number.NaN, ...ticks] = [2, 12, 13, 14, 15].map((field) => Number(fields[field]));
  const cpuSeconds = ticks.reduce((sum, value) => sum + value, 0) / ticksPerSecond;
  return [pid, parent, cpuSeconds].every(Number.isFinite) ? { pid, parent, cpuSeconds } : undefined;
}

/** A process and everything below it. */
export function treeOf(root: number, processes: readonly ProcessStat[]): ProcessStat[] {
  const tree: ProcessStat[] = [];
  const waiting = [root];
  const seen = new Set<number>();
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    if (seen.has(pid)) continue;
    seen.add(pid);
    for (const stat of processes) {
      if (stat.pid === pid) tree.push(stat);
      if (stat.parent === pid) waiting.push(stat.pid);
    }
  }
  return tree;
}

/** CPU seconds that a running process and everything below it have used since they began. */
export function treeCpuSeconds(root: number): number {
  return treeOf(root, listProcesses()).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
}

/** The process ids of a running process and everything below it. */
export function treeIds(root: number): number[] {
  return treeOf(root, listProcesses()).map(({ pid }) => pid);
}

function listProcesses(): ProcessStat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? [];
      } catch {
        return []; // ended in between
      }
    });
}
