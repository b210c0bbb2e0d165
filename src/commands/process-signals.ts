import type { EventEmitter } from 'node:events';

const stopSignals = ['SIGINT', 'SIGTERM'] as const;
const reloadSignal = 'SIGHUP';

/** Where signals come from: the process. */
export type SignalSource = Pick<EventEmitter, 'on' | 'off'>;

/**
 * What a process is asked by signals, from now on: what comes before anybody listens is kept for them. The system's own answer
 * would be to end the process, or, for the first process of a container, nothing.
 */
export class ProcessSignals {
  readonly #source: SignalSource;
  #early: Promise<string> | undefined;
  #reload: ((signal: string) => void) | undefined;
  #isReloadMissed = false;

  constructor(source: SignalSource) {
    this.#source = source;
    this.#early = nextStopSignal(source);
    source.on(reloadSignal, () => {
      if (this.#reload === undefined) this.#isReloadMissed = true;
      else this.#reload(reloadSignal);
    });
  }

  /** Resolves when the process is asked to stop, at once where it was already; each later call waits for the next such wish. */
  nextStop(): Promise<string> {
    const stop = this.#early ?? nextStopSignal(this.#source);
    this.#early = undefined;
    return stop;
  }

  /** Calls back each time that a reload is asked for, and at once where it was already. */
  onReload(reload: (signal: string) => void): void {
    this.#reload = reload;
    if (this.#isReloadMissed) reload(reloadSignal);
  }
}

/** Resolves when the process is asked to stop. Whoever asks again ends it, unless somebody waits for that, too. */
export function nextStopSignal(source: SignalSource): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const onSignal = (signal: string): void => {
    for (const each of stopSignals) source.off(each, onSignal);
    resolve(signal);
  };
  for (const each of stopSignals) source.on(each, onSignal);
  return promise;
}
