import type { Networks } from './networks.ts';

/** The three dimensions that failed logins are counted in. */
export const limitNames = ['perAddress', 'perAccount', 'perAddressAndAccount'] as const;

/** One of the limits; configuration key and metric label. */
export type LimitName = (typeof limitNames)[number];

/** Failures within a window lead to a block, which doubles each time up to a maximum. */
export interface LoginLimit {
  /** Refused logins within the window that lead to a block, ≥ 1. */
  readonly failures: number;
  readonly windowMs: number;
  /** Length of the first block. */
  readonly blockMs: number;
  readonly maxBlockMs: number;
}

/** All login limits of one Postern. */
export interface LoginLimits extends Readonly<Record<LimitName, LoginLimit>> {
  /** Networks that no limit applies to. */
  readonly exempt: Networks;
  /** Without the store: limits from this process's memory, or no logins. */
  readonly onStoreFailure: 'local' | 'refuse';
}

/** How long the `strike`-th block in a row lasts (first is 1): doubled each time, never above the maximum. */
export function blockDurationMs(limit: LoginLimit, strike: number): number {
  // 2 ** 30 times the shortest block already exceeds every maximum; the cap keeps the product finite.
  const doublings = Math.min(Math.max(strike, 1) - 1, 30);
  return Math.min(limit.blockMs * 2 ** doublings, limit.maxBlockMs);
}
