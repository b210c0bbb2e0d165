import { stdTimeFunctions } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createIsoTime } from '../../src/telemetry/iso-time.ts';

describe('createIsoTime', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("is pino's own, within a second, over its edge, a day later, and when the clock is set back", () => {
    vi.useFakeTimers();
    const isoTime = createIsoTime();
    const startMs = Date.UTC(2026, 11, 31, 23, 59, 58);
    for (const afterMs of [0, 7, 42, 998, 999, 1_000, 1_001, 1_999, 2_000, 86_400_000, 999, -1, -62_135_596_800_000]) {
      vi.setSystemTime(startMs + afterMs);
      expect(isoTime()).toBe(stdTimeFunctions.isoTime());
    }
  });
});
