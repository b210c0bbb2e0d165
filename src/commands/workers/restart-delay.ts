/** A worker that lived so long did not die of its start. */
const steadyMs = 10_000;
const firstMs = 100;
const maxMs = 10_000;

/** How long a lost worker's place stays empty: not at all, but for one that dies again and again. */
export const restartDelayMs = {
  /** Whether a worker that lived so long stood on its own feet. */
  isSteady: (livedMs: number): boolean => livedMs >= steadyMs,
  /** After so many losses in quick succession, ms. */
  after: (failures: number): number => (failures <= 1 ? 0 : Math.min(maxMs, firstMs * 2 ** (failures - 2))),
} as const;
