/** A timer this late means that this process was held up, and may not have read an answer that is there. */
const maxTimerDelayMs = 10;

/**
 * Calls back when the time for an answer is over; returns how to call that off. Time in which this process was held up does
 * not count, and what has arrived meanwhile is read first.
 */
export function startDeadline(timeoutMs: number, onExpired: () => void): () => void {
  let isCalledOff = false;
  let dueMs = performance.now() + timeoutMs;
  let timer = setTimeout(look, timeoutMs);

  function look(): void {
    if (performance.now() - dueMs > maxTimerDelayMs) {
      dueMs = performance.now() + timeoutMs;
      timer = setTimeout(look, timeoutMs);
      return;
    }
    // Sockets are read between timers and immediates.
    setImmediate(() => {
      if (!isCalledOff) onExpired();
    });
  }

  return () => {
    isCalledOff = true;
    clearTimeout(timer);
  };
}
