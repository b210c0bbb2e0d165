import type { ReplyDelay } from '../login-limits.ts';

/** How long to hold a failure's reply back: doubled with each failure counted at the address, up to the longest. */
export function replyDelayMs({ firstMs, maxMs }: ReplyDelay, addressFailures: number): number {
  // 2 ** 30 times a millisecond already exceeds every maximum; the cap keeps the product finite.
  const doublings = Math.min(Math.max(addressFailures, 1) - 1, 30);
  return Math.min(firstMs * 2 ** doublings, maxMs);
}
