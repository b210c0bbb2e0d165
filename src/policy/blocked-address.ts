import { describeWait } from './describe-wait.ts';
import type { LimitName } from './login-limits.ts';

/** Why an address is refused at accept. */
export interface AddressRefusal {
  /** Absent: an operator blocked it. */
  readonly limit?: LimitName;
  /** Absent where it has no end. */
  readonly retryAfterMs?: number;
}

/** What a client from a blocked address gets to read behind `-ERR`. */
export function replyForBlockedAddress({ limit, retryAfterMs }: AddressRefusal): string {
  if (limit === undefined) return '[SYS/PERM] Logins from your network are blocked here. Please ask your administrator';
  const wait = retryAfterMs === undefined ? 'later' : `in ${describeWait(retryAfterMs)}`;
  return `[SYS/TEMP] Too many failed logins from your network. Please try again ${wait}`;
}
