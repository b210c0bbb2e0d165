/** The time as pino puts it into a line: `,"time":"2026-10-05T12:00:00.000Z"`. The text of a second is made once for all its lines. */
export function createIsoTime(nowMs: () => number = Date.now): () => string {
  let currentSecond = Number.NaN;
  let beforeMs = '';
  return () => {
    const now = nowMs();
    const second = Math.floor(now / 1000);
    if (second !== currentSecond) {
      currentSecond = second;
      beforeMs = `,"time":"${new Date(second * 1000).toISOString().slice(0, -'000Z'.length)}`;
    }
    return `${beforeMs}${String(now - second * 1000).padStart(3, '0')}Z"`;
  };
}
