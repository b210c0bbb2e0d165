import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type CommandLine, runProcess, startProcess } from '../support/process.ts';
import { program, requireProgram } from '../support/programs.ts';
import { treeIds } from './process-cpu.ts';

/** What a kernel was asked for, by the call's name. */
export type CallCounts = ReadonlyMap<string, number>;

/** A tracer has seen every thread when it has been silent for so long. */
const attachMs = 300;
/** A process that is looked on at answers between two pieces of its own work. */
const callgrindTimeoutMs = 60_000;

/** Parses the table that `strace -c` writes. */
export function parseCallTable(text: string): CallCounts {
  const counts = new Map<string, number>();
  // % time, seconds, microseconds a call, calls, errors where there are any, name
  for (const [, calls, name] of text.matchAll(/^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)(?:\s+\d+)?\s+(\w+)$/gm)) {
    if (name !== undefined && name !== 'total') counts.set(name, (counts.get(name) ?? 0) + Number(calls));
  }
  return counts;
}

/** Parses what `perf stat -x,` writes about one event; undefined where the machine does not count it. */
export function parsePerfCount(text: string): number | undefined {
  const count = Number(/^(\d+),/m.exec(text)?.[1]);
  return Number.isFinite(count) ? count : undefined;
}

/** Whether strace is there and may look at a process that it has not started. */
export async function mayTrace(): Promise<boolean> {
  const strace = program('strace');
  if (strace === undefined) return false;
  await using sleeper = await startProcess(['sleep', '30']);
  await using tracer = await startProcess([strace, '-p', String(sleeper.pid)]);
  return await isReady(tracer.waitForLine(/attached/));
}

/** Counts the system calls of a process tree while something is done; undefined where strace may not or is not there. */
export async function countCalls(root: number, { file, during }: Tracing): Promise<CallCounts | undefined> {
  const strace = program('strace');
  if (strace === undefined) return undefined;
  const text = await trace([strace, '-f', '-c', '-U', 'time-percent,total-time,avg-time,calls,errors,name'], {
    ...{ root, file, during },
    ready: /attached/,
  });
  return text === undefined ? undefined : parseCallTable(text);
}

/** Writes of a process tree line by line, with what they were written to, while something is done. */
export async function traceWrites(root: number, { file, during }: Tracing): Promise<string | undefined> {
  const strace = program('strace');
  if (strace === undefined) return undefined;
  const calls = 'trace=write,writev,sendto,sendmsg,sendmmsg';
  return await trace([strace, '-f', '-yy', '-s', '0', '-e', calls], { root, file, during, ready: /attached/ });
}

/** Counts the instructions of a process tree while something is done; undefined where the machine does not count them. */
export async function countInstructions(root: number, { file, during }: Tracing): Promise<number | undefined> {
  const perf = program('perf');
  if (perf === undefined) return undefined;
  const text = await trace([perf, 'stat', '-x,', '-e', 'instructions:u'], { root, file, during });
  return text === undefined ? undefined : parsePerfCount(text);
}

/** What a process is run under so that its instructions can be counted where the machine does not; undefined where there is none. */
export function instructionCounter(directory: string): readonly string[] | undefined {
  const valgrind = program('valgrind');
  if (valgrind === undefined || program('callgrind_control') === undefined) return undefined;
  // Each start has its own; nothing is counted until it is asked for.
  return [
    valgrind,
    '--quiet',
    '--tool=callgrind',
    '--instr-atstart=no',
    `--callgrind-out-file=${directory}/%p.callgrind`,
  ];
}

/** Counts the instructions of the main thread of such a process while something is done. */
export async function countUnderCallgrind(pid: number, during: () => Promise<unknown>): Promise<number | undefined> {
  const ask = async (option: string): Promise<string> => {
    const command = [requireProgram('callgrind_control'), option, String(pid)] as const;
    return (await runProcess(command, { timeoutMs: callgrindTimeoutMs })).stdout.toString('latin1');
  };
  await ask('--instr=on');
  const before = parseCallgrindTotal(await ask('-e'));
  await during();
  const after = parseCallgrindTotal(await ask('-e'));
  return before === undefined || after === undefined ? undefined : after - before;
}

/** Parses what `callgrind_control -e` says of the main thread; those beside it collect garbage and compile when they like. */
export function parseCallgrindTotal(text: string): number | undefined {
  const count = Number(/^\s*(?:Th 1|Total)\s+([\d,]+)\s*$/m.exec(text)?.[1]?.replaceAll(',', ''));
  return Number.isFinite(count) ? count : undefined;
}

/** What is done while a tracer looks on. */
export interface Tracing {
  /** Where it writes. */
  readonly file: string;
  readonly during: () => Promise<unknown>;
}

/** Undefined where the tracer gave up, and then nothing was done. */
async function trace(
  command: CommandLine,
  { root, file, during, ready }: Tracing & { readonly root: number; readonly ready?: RegExp },
): Promise<string | undefined> {
  const pids = treeIds(root).flatMap((pid) => ['-p', String(pid)]);
  await using tracer = await startProcess([...command, '-o', file, ...pids]);
  if (ready === undefined) await delay(attachMs);
  else if (!(await isReady(tracer.waitForLine(ready)))) return undefined;
  // Of a process's many threads the last is attached some time after the first.
  await delay(attachMs);
  await during();
  tracer.signal('SIGINT');
  await tracer.ended;
  return await readFile(file, 'latin1').catch(() => undefined);
}

async function isReady(line: Promise<string>): Promise<boolean> {
  return line.then(
    () => true,
    () => false, // not permitted: it has ended
  );
}
