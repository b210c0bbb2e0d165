import type { GateEvent } from '../proxy/events.ts';
import { countNoLogins, type LoginCounts } from './login-counts.ts';

/** An hour: what is further back is in Prometheus. */
const keptMinutes = 60;
const minuteMs = 60_000;

/** Logins of one minute. */
export interface LoginMinute {
  /** When it began, ms since the epoch. */
  readonly startMs: number;
  readonly results: Readonly<LoginCounts>;
  /** Of the accepted ones, those without TLS on the client's side. */
  readonly unencrypted: number;
}

/** What can be asked about the last hour. */
export interface LoginHistoryView {
  /** The last 60 minutes, the oldest first; the last one has just begun. */
  minutes(): readonly LoginMinute[];
}

/** Counts logins minute by minute. */
export class LoginHistory implements LoginHistoryView {
  readonly #nowMs: () => number;
  /** A ring: the slot of an hour ago is taken over. */
  readonly #slots: { startMs: number; results: LoginCounts; unencrypted: number }[] = [];

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  record(event: GateEvent): void {
    if (event.kind !== 'loginFinished') return;
    const startMs = this.#thisMinute();
    const index = slotOf(startMs);
    const kept = this.#slots[index];
    const slot = kept?.startMs === startMs ? kept : noLogins(startMs);
    this.#slots[index] = slot;
    slot.results[event.result] += 1;
    if (event.result === 'accepted' && event.transport === 'plaintext') slot.unencrypted += 1;
  }

  minutes(): readonly LoginMinute[] {
    const last = this.#thisMinute();
    return Array.from({ length: keptMinutes }, (_, index) => {
      const startMs = last - (keptMinutes - 1 - index) * minuteMs;
      const slot = this.#slots[slotOf(startMs)];
      return slot?.startMs === startMs ? { ...slot, results: { ...slot.results } } : noLogins(startMs);
    });
  }

  #thisMinute(): number {
    return Math.floor(this.#nowMs() / minuteMs) * minuteMs;
  }
}

function slotOf(startMs: number): number {
  return Math.floor(startMs / minuteMs) % keptMinutes;
}

function noLogins(startMs: number) {
  return { startMs, results: countNoLogins(), unencrypted: 0 };
}
