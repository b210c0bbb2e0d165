/** How many logins an upstream got lately: a rate that fades. */
export interface Demand {
  readonly perSecond: number;
  readonly atMs: number;
}

/** Nobody has logged in yet. */
export const noDemand: Demand = { perSecond: 0, atMs: 0 };

/** How fast a login is forgotten: long enough to see clients that poll every few seconds, short enough to end with a rush. */
const memoryMs = 30_000;

/** One login in about twelve seconds. Below it a connection would as likely as not wait for nobody. */
const leastPerSecond = 0.1;

/** A server this near is connected to about as fast as a waiting connection is looked after, which costs a tenth of a login's CPU. */
const leastConnectMs = 15;

/**
 * How old a verified, greeted connection may get before it is used, ms. Servers hang up on those who do not log in: Exchange
 * after 60 s, 30 s at the least; Dovecot after three minutes. What a certificate is worth may change meanwhile, too.
 */
export const maxReadyAgeMs = 20_000;

/** The demand once one more login has come. */
export function addLogin(demand: Demand, nowMs: number): Demand {
  return { perSecond: demandAt(demand, nowMs) + 1000 / memoryMs, atMs: nowMs };
}

/** Logins per second, as they are remembered at that moment. */
export function demandAt({ perSecond, atMs }: Demand, nowMs: number): number {
  return perSecond * Math.exp(-Math.max(0, nowMs - atMs) / memoryMs);
}

/** What decides how many connections to hold. */
export interface ReadinessFacts {
  readonly perSecond: number;
  /** How long it takes to make one. */
  readonly connectMs: number;
  /** Never more. */
  readonly max: number;
}

/**
 * How many connections to have ready: enough for the logins that come while the next one is being made, two standard
 * deviations above their mean, and no more than are used before they are too old. None where one is made in no time.
 */
export function countToHold({ perSecond, connectMs, max }: ReadinessFacts): number {
  if (perSecond < leastPerSecond || connectMs < leastConnectMs) return 0;
  const meanwhile = (perSecond * connectMs) / 1000;
  const wanted = Math.ceil(meanwhile + 2 * Math.sqrt(meanwhile));
  const usedInTime = Math.floor((perSecond * maxReadyAgeMs) / 1000);
  return Math.min(Math.max(1, Math.min(wanted, usedInTime)), max);
}

const firstPauseMs = 1_000;
const longestPauseMs = 60_000;

/** How long to dial nothing unasked, after so many dials or connections in a row that came to nothing. */
export function pauseAfterFailures(failures: number): number {
  return failures === 0 ? 0 : Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 1));
}
