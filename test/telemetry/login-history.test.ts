import { describe, expect, it } from 'vitest';
import { LoginHistory } from '../../src/telemetry/login-history.ts';
import { events } from './events.ts';

const minuteMs = 60_000;
const startMs = 1_700_000_040_000;

function historyAt() {
  const clock = { nowMs: startMs };
  return { clock, history: new LoginHistory(() => clock.nowMs) };
}

describe('LoginHistory', () => {
  it('has sixty minutes without logins at first', () => {
    const minutes = historyAt().history.minutes();
    expect(minutes).toHaveLength(60);
    expect(minutes.at(-1)).toMatchObject({ startMs, unencrypted: 0, results: { accepted: 0, refused: 0 } });
    expect(minutes[0]?.startMs).toBe(startMs - 59 * minuteMs);
  });

  it('counts by minute and result, and what was accepted in the clear', () => {
    const { clock, history } = historyAt();
    history.record(events.login({ transport: 'plaintext' }));
    history.record(events.login({ transport: 'plaintext', result: 'refused' }));
    clock.nowMs += minuteMs - 1;
    history.record(events.login());
    clock.nowMs += 1;
    history.record(events.untrusted());
    history.record(events.opened());
    expect(history.minutes().slice(-2)).toMatchObject([
      { startMs, unencrypted: 1, results: { accepted: 2, refused: 1, untrusted: 0 } },
      { startMs: startMs + minuteMs, unencrypted: 0, results: { accepted: 0, untrusted: 1 } },
    ]);
  });

  it('forgets what is an hour old, also where nothing took its place', () => {
    const { clock, history } = historyAt();
    history.record(events.login());
    clock.nowMs += 59 * minuteMs;
    expect(history.minutes()[0]?.results.accepted).toBe(1);
    clock.nowMs += minuteMs;
    expect(history.minutes().every(({ results }) => results.accepted === 0)).toBe(true);
    history.record(events.login());
    expect(history.minutes().map(({ results }) => results.accepted)).toEqual([...Array(59).fill(0), 1]);
  });
});
