import { blockDurationsMs } from '../../policy/guard/strikes.ts';
import type { LimitName, LoginLimits } from '../../policy/login-limits.ts';

/** What scripts are told of one limit: threshold, window, what forgives a strike, and the lengths of its blocks. */
export type LimitArguments = readonly [threshold: number, windowMs: number, maxBlockMs: number, durationsMs: string];

/** Makes the arguments of every limit. */
export function limitArguments(limits: LoginLimits): Readonly<Record<LimitName, LimitArguments>> {
  const of = (name: LimitName): LimitArguments => {
    const { threshold, windowMs, maxBlockMs } = limits[name];
    return [threshold, windowMs, maxBlockMs, blockDurationsMs(limits[name]).join(' ')];
  };
  return {
    perAddress: of('perAddress'),
    perNetwork: of('perNetwork'),
    perAccount: of('perAccount'),
    perAddressAndAccount: of('perAddressAndAccount'),
    accountsPerNetwork: of('accountsPerNetwork'),
    passwordsPerAccount: of('passwordsPerAccount'),
  };
}
