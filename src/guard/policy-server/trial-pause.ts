/** One lost request is no outage. */
const failuresInRow = 3;
const pauseMs = 2_000;

/** What a pause is made of. */
export interface TrialPauseOptions {
  /** A clock that never steps back, ms. */
  readonly nowMs: () => number;
  /** Told once per change. */
  readonly onChange: (isUp: boolean, detail: string) => void;
}

/** Keeps logins from waiting, one after the other, for a server that is gone: after some failures in a row it is asked by one at a time. */
export class TrialPause {
  readonly #options: TrialPauseOptions;
  #failures = 0;
  /** Undefined: it is up. */
  #nextTrialMs: number | undefined;

  constructor(options: TrialPauseOptions) {
    this.#options = options;
  }

  /** Whether to ask now; who asks tells how it ended. */
  mayAsk(): boolean {
    if (this.#nextTrialMs === undefined) return true;
    const nowMs = this.#options.nowMs();
    if (nowMs < this.#nextTrialMs) return false;
    this.#nextTrialMs = nowMs + pauseMs;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
    if (this.#nextTrialMs === undefined) return;
    this.#nextTrialMs = undefined;
    this.#options.onChange(true, 'it answers');
  }

  failed(detail: string): void {
    this.#failures += 1;
    if (this.#failures < failuresInRow) return;
    const isNews = this.#nextTrialMs === undefined;
    this.#nextTrialMs = this.#options.nowMs() + pauseMs;
    if (isNews) this.#options.onChange(false, detail);
  }
}
