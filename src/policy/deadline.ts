const dayMs = 86_400_000;

/** How many days ahead people are told that a certificate expires. */
export const certificateWarningDays: readonly number[] = [30, 14, 7, 3, 1];

/** Whole days left until a moment, rounded up; 0 from that moment on. */
export function daysLeft(atMs: number, nowMs: number): number {
  return Math.max(0, Math.ceil((atMs - nowMs) / dayMs));
}

/**
 * The step of a countdown that a deadline has reached: the smallest of `days` that is not below the days left, 0 when it is
 * over, undefined while it is further away than all of them. A warning is due each time the step changes.
 */
export function countdownStep(left: number, days: readonly number[]): number | undefined {
  if (left === 0) return 0;
  const reached = days.filter((day) => left <= day);
  return reached.length === 0 ? undefined : Math.min(...reached);
}
