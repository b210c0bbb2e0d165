import { vi } from 'vitest';
import type { DeliveryObserver } from '../../src/telemetry/gathered-writer.ts';

/** An observer that keeps what it was told, in order. */
export interface ObserverUnderTest extends DeliveryObserver {
  readonly told: readonly string[];
  /** Resolves once it was told so. */
  waitFor(words: string): Promise<void>;
}

/** Makes one: `trouble ENOSPC`, `loss`, `recovered 3`. */
export function createObserver(): ObserverUnderTest {
  const told: string[] = [];
  return {
    told,
    waitFor: (words) =>
      vi.waitFor(
        () => {
          if (!told.includes(words)) throw new Error(`Cannot find "${words}": ${told.join(', ')}`);
        },
        { timeout: 15_000, interval: 10 },
      ),
    onTrouble: (error) => {
      told.push(`trouble ${error instanceof Error && 'code' in error ? error.code : error}`);
    },
    onLoss: () => {
      told.push('loss');
    },
    onRecovered: (dropped) => {
      told.push(`recovered ${dropped}`);
    },
  };
}
