import type { LoginResult } from '../proxy/events.ts';

/** Logins by result. */
export type LoginCounts = Record<LoginResult, number>;

/** Counts that begin. */
export function countNoLogins(): LoginCounts {
  return {
    accepted: 0,
    refused: 0,
    busy: 0,
    denied: 0,
    untrusted: 0,
    unreachable: 0,
    limited: 0,
    unrouted: 0,
    cancelled: 0,
  };
}
