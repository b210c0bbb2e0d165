import type { GateEvent, LoginResult } from '../proxy/events.ts';

/** An hour: what is further back is in Prometheus. */
const keptMinutes = 60;
const minuteMs = 60_000;

/** Logins of one minute. */
export interface LoginMinute {
  /** When it began, ms since the epoch. */
  readonly startMs: number;
  readonly results: Readonly<Record<LoginResult, number>>;
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
  readonly #slots: { startMs: number; results: Record<LoginResult, number>; unencrypted: number }[] = [];

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
  const results: Record<LoginResult, number> = {
    accepted: 0,
    refused: 0,
    busy: 0,
    denied: 0,
    untrusted: 0,
    unreachable: 0,
    limited: 0,
    unrouted: 0,
    cancelled: 0,
  };
  return { startMs, results, unencrypted: 0 };
}
