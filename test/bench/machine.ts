import { availableParallelism, cpus, release, totalmem, type } from 'node:os';

/** One line on the machine that the numbers are from. */
export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown CPU';
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${availableParallelism()} cores, ${model}, ${memory}, ${type()} ${release()}`;
}
