import { blockDurationMs, type LoginLimit } from '../login-limits.ts';

/** How long the blocks of a limit last, first to last; from the last on they grow no more. */
export function blockDurationsMs(limit: LoginLimit): readonly number[] {
  const durations = [blockDurationMs(limit, 1)];
  for (let strike = 2; ; strike += 1) {
    const durationMs = blockDurationMs(limit, strike);
    if (durationMs === durations.at(-1)) return durations;
    durations.push(durationMs);
  }
}

/** What is left of a subject's strikes: after its block has ended they fall by one for each `maxBlock` that passes. */
export function strikesLeft(
  { maxBlockMs }: Pick<LoginLimit, 'maxBlockMs'>,
  { strikes, untilMs, nowMs }: { readonly strikes: number; readonly untilMs: number; readonly nowMs: number },
): number {
  const decayed = Math.floor(Math.max(nowMs - untilMs, 0) / maxBlockMs);
  return Math.max(strikes - decayed, 0);
}

/** The strike after so many: never more than the blocks have lengths, so that even the worst subject is forgiven in time. */
export function nextStrike(durationsMs: readonly number[], strikes: number): number {
  return Math.min(strikes + 1, durationsMs.length);
}

/** When a subject's strikes are all forgiven. */
export function forgivenAtMs(
  { maxBlockMs }: Pick<LoginLimit, 'maxBlockMs'>,
  { strikes, untilMs }: { readonly strikes: number; readonly untilMs: number },
): number {
  return untilMs + strikes * maxBlockMs;
}
