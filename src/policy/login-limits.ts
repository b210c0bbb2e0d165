import type { Networks } from './networks.ts';

/** Limits whose subject is an account, or an account from one address. */
export const accountLimitNames = ['perAccount', 'perAddressAndAccount', 'passwordsPerAccount'] as const;
/** Limits whose subject is an address, or the network around it. */
export const networkLimitNames = ['perAddress', 'perNetwork', 'accountsPerNetwork'] as const;

/** The dimensions that failed logins are counted in. */
export const limitNames = [
  'perAddress',
  'perNetwork',
  'perAccount',
  'perAddressAndAccount',
  'accountsPerNetwork',
  'passwordsPerAccount',
] as const;

/** One of the limits; configuration key and metric label. */
export type LimitName = (typeof limitNames)[number];

/** So many different refused credentials (or accounts) within a window lead to a block, which doubles each time up to a maximum. */
export interface LoginLimit {
  /** Different members within the window that lead to a block, ≥ 1: `failures`, `accounts` or `passwords` in the configuration. */
  readonly threshold: number;
  readonly windowMs: number;
  /** Length of the first block. */
  readonly blockMs: number;
  readonly maxBlockMs: number;
}

/** How long a failure's reply is held back: doubled with each failure counted at the address. */
export interface ReplyDelay {
  /** 0: no reply is ever held back. */
  readonly firstMs: number;
  readonly maxMs: number;
  /** Replies held back at a time; beyond it they go out at once. */
  readonly sockets: number;
}

/** All login limits of one Postern. */
export interface LoginLimits extends Readonly<Record<LimitName, LoginLimit>> {
  /** How long refused credentials are remembered, and not tried upstream again; 0: not at all. */
  readonly refusedPasswordsMs: number;
  /** How long an address that logged in to an account is taken for its owner's. */
  readonly knownForMs: number;
  /** Logins under way per address. */
  readonly loginsPerAddress: number;
  /** Live sessions per account. */
  readonly sessionsPerAccount: number;
  readonly replyDelay: ReplyDelay;
  /** Secret that accounts and passwords are hashed with; absent: made once and kept in the store. */
  readonly hashKey?: string;
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
