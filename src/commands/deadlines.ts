import { clearInterval, setInterval } from 'node:timers';
import { certificateWarningDays, countdownStep, daysLeft } from '../policy/deadline.ts';
import type { Report } from '../proxy/events.ts';

/** Certificates and exceptions end to the day; an hour late is soon enough. */
const intervalMs = 3_600_000;
/** An exception's last month is told day by day. */
const exceptionWarningDays: readonly number[] = Array.from({ length: 30 }, (_, index) => index + 1);

/** What has an end that people should see coming. */
export interface DeadlineSources {
  readonly listCertificates: () => readonly { readonly name: string; readonly expiresAtMs: number }[];
  readonly listeners: readonly { readonly name: string; readonly plaintextEndsAtMs?: number }[];
  readonly report: Report;
  readonly nowMs: () => number;
}

/** Warns of what ends soon: at start, and each time a countdown reaches its next step. */
export class Deadlines implements Disposable {
  readonly #sources: DeadlineSources;
  readonly #timer: NodeJS.Timeout;
  /** The step last told, by what it is about. */
  readonly #told = new Map<string, number>();

  constructor(sources: DeadlineSources) {
    this.#sources = sources;
    this.#timer = setInterval(() => this.look(), intervalMs);
    this.#timer.unref();
    this.look();
  }

  look(): void {
    const { listCertificates, listeners, report, nowMs } = this.#sources;
    const now = nowMs();
    for (const { name, expiresAtMs } of listCertificates()) {
      const left = daysLeft(expiresAtMs, now);
      if (!this.#isNews(`certificate ${name}`, countdownStep(left, certificateWarningDays))) continue;
      report({ kind: 'certificateExpiring', name, expiresAtMs, daysLeft: left });
    }
    for (const { name: listener, plaintextEndsAtMs: endsAtMs } of listeners) {
      if (endsAtMs === undefined) continue;
      const left = daysLeft(endsAtMs, now);
      if (!this.#isNews(`listener ${listener}`, countdownStep(left, exceptionWarningDays))) continue;
      report({ kind: 'plaintextExceptionEnding', listener, endsAtMs, daysLeft: left });
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #isNews(subject: string, step: number | undefined): boolean {
    const told = this.#told.get(subject);
    if (step === undefined) this.#told.delete(subject);
    else this.#told.set(subject, step);
    return step !== undefined && step !== told;
  }
}
