import { blockDurationsMs } from '../../policy/guard/strikes.ts';
import type { LoginLimit } from '../../policy/login-limits.ts';

/** What scripts are told of one limit: threshold, window, what forgives a strike, and the lengths of its blocks. */
export type LimitArguments = readonly [threshold: number, windowMs: number, maxBlockMs: number, durationsMs: string];

const known = new WeakMap<LoginLimit, LimitArguments>();

/** Makes the arguments of a limit, once for each: they come with every login. */
export function limitArguments(limit: LoginLimit): LimitArguments {
  let made = known.get(limit);
  if (made === undefined) {
    const { threshold, windowMs, maxBlockMs } = limit;
    made = [threshold, windowMs, maxBlockMs, blockDurationsMs(limit).join(' ')];
    known.set(limit, made);
  }
  return made;
}
