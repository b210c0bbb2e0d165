/** What is at its end. */
export type OverloadCause = 'delay' | 'memory';

/** What there is to do and to hold, at one moment. */
export interface LoadSample {
  readonly nowMs: number;
  /** How late what is due comes to be done. */
  readonly delayMs: number;
  /** Memory in use, as a share of its bound. */
  readonly memoryShare: number;
  /** Sessions that are open. */
  readonly sessions: number;
}

/** What of earlier samples still matters. */
export interface OverloadState {
  readonly isLate: boolean;
  /** Since when every sample has been late, or while it is late calm. */
  readonly turningSinceMs?: number;
  readonly isFull: boolean;
  /** There while memory was over its bound and has not come back far enough. */
  readonly memory?: MemoryMark;
}

interface MemoryMark {
  /** With so many sessions the memory was used up. */
  readonly sessions: number;
  readonly share: number;
}

/** Nothing has been seen yet. */
export const noOverload: OverloadState = { isLate: false, isFull: false };

/** One long pause is no overload: a collection of garbage, or a machine that was stopped. Every sample must be late for this long. */
const onsetMs = 1_000;
/** What was turned away comes again: the way back takes longer than the way in. */
const calmMs = 2_000;
/** The share of a bound that counts as calm. */
const calmDelayShare = 0.5;
const calmMemoryShare = 0.9;
/** The share of the sessions that used the memory up at which others are let in. */
const roomShare = 0.9;
/** Memory that grows by so much of its bound beyond its mark makes a new mark, with fewer sessions. */
const growthShare = 0.05;

/** The state once one more sample is known. `maxDelayMs` 0: no delay is too long. */
export function addLoad(
  state: OverloadState,
  sample: LoadSample,
  { maxDelayMs }: { readonly maxDelayMs: number },
): OverloadState {
  return { ...judgeDelay(state, sample, maxDelayMs), ...judgeMemory(state, sample) };
}

/** Why nobody is to be let in; undefined: let them in. */
export function overloadCause({ isLate, isFull }: OverloadState): OverloadCause | undefined {
  if (isLate) return 'delay';
  return isFull ? 'memory' : undefined;
}

function judgeDelay(
  { isLate, turningSinceMs }: OverloadState,
  { nowMs, delayMs }: LoadSample,
  maxDelayMs: number,
): Pick<OverloadState, 'isLate' | 'turningSinceMs'> {
  const isOver = maxDelayMs > 0 && delayMs > maxDelayMs;
  const isCalm = maxDelayMs === 0 || delayMs <= maxDelayMs * calmDelayShare;
  const isTurning = isLate ? isCalm : isOver;
  if (!isTurning) return { isLate };
  if (turningSinceMs === undefined) return { isLate, turningSinceMs: nowMs };
  const isLong = nowMs - turningSinceMs >= (isLate ? calmMs : onsetMs);
  return isLong ? { isLate: !isLate } : { isLate, turningSinceMs };
}

/**
 * Memory that was used once seldom goes back to the system, and need not: other sessions use it again. So sessions are
 * what is bounded, at as many as fit. Without any there is always room for one, whatever the bound.
 */
function judgeMemory(
  { isFull, memory }: OverloadState,
  { memoryShare: share, sessions }: LoadSample,
): Pick<OverloadState, 'isFull' | 'memory'> {
  if (share <= calmMemoryShare || (memory === undefined && share <= 1)) return { isFull: false };
  if (memory === undefined || share > memory.share + growthShare) {
    return { isFull: sessions > 0, memory: { sessions, share } };
  }
  const isRoomLeft = isFull ? sessions <= memory.sessions * roomShare : sessions < memory.sessions;
  return { isFull: sessions > 0 && !isRoomLeft, memory };
}
