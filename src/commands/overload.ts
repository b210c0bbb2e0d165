import type { SessionsConfig } from '../config/config.ts';
import { LoadWatch } from '../telemetry/load-watch.ts';
import { measureMemoryShare, toOctets } from '../telemetry/memory-use.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

/** What is watched, and by which bounds. */
export interface LoadWatchParts {
  readonly telemetry: Telemetry;
  /** How late clients are served, whatever this thread does, ms. */
  readonly lateMs: () => number;
  /** As configured now. */
  readonly bounds: () => Pick<SessionsConfig, 'maxEventLoopDelayMs' | 'maxMemory'>;
}

/** Starts to watch how late this process is, and how much memory it uses. */
export function openLoadWatch({ telemetry, lateMs, bounds }: LoadWatchParts): LoadWatch {
  const watch = new LoadWatch({
    maxDelayMs: () => bounds().maxEventLoopDelayMs,
    memoryShare: () => measureMemoryShare(toOctets(bounds().maxMemory)),
    countSessions: () => telemetry.sessions.size,
    waitingMs: lateMs,
    log: telemetry.log,
    nowMs: () => performance.now(),
  });
  telemetry.observeOverload(() => watch.cause !== undefined);
  return watch;
}
