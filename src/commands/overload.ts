import type { SessionsConfig } from '../config/config.ts';
import type { HandshakePace } from '../net/handshake-pace.ts';
import { LoadWatch } from '../telemetry/load-watch.ts';
import { measureMemoryShare, toOctets } from '../telemetry/memory-use.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

/** What is watched, and by which bounds. */
export interface LoadWatchParts {
  readonly telemetry: Telemetry;
  readonly handshakes: HandshakePace;
  /** As configured now. */
  readonly bounds: () => Pick<SessionsConfig, 'maxEventLoopDelayMs' | 'maxMemory'>;
}

/** Starts to watch how late this process is, and how much memory it uses. */
export function openLoadWatch({ telemetry, handshakes, bounds }: LoadWatchParts): LoadWatch {
  const watch = new LoadWatch({
    maxDelayMs: () => bounds().maxEventLoopDelayMs,
    memoryShare: () => measureMemoryShare(toOctets(bounds().maxMemory)),
    countSessions: () => telemetry.sessions.size,
    waitingMs: () => handshakes.waitingMs,
    log: telemetry.log,
    nowMs: () => performance.now(),
  });
  telemetry.observeOverload(() => watch.cause !== undefined);
  return watch;
}
