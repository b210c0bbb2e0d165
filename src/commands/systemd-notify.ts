import { spawn } from 'node:child_process';
import { clearInterval, setInterval } from 'node:timers';

/** What telling systemd takes. */
export interface SystemdNotifyOptions {
  /** Says where systemd wants to be told, and how often. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  /** Prints a line for people, where systemd cannot be told. */
  readonly say: (line: string) => void;
  /** Runs a program without waiting for it; by default the real one. */
  readonly run?: RunProgram;
  /** Calls back again and again; by default by a timer that keeps no process alive. */
  readonly every?: CallEvery;
}

/** Calls back again and again until what is returned is called. */
export type CallEvery = (intervalMs: number, call: () => void) => () => void;

/** Starts a program and calls back when it has ended, with an error where it failed. */
export type RunProgram = (
  args: readonly string[],
  options: { readonly env: Readonly<Record<string, string>>; readonly onEnd: (error?: Error) => void },
) => void;

/**
 * Tells systemd how the service is doing: that it is ready, that it is stopping, and again and again that it is alive.
 * Elsewhere it does nothing. The runtimes cannot send datagrams to Unix sockets, so systemd's own program sends them: the
 * unit needs `NotifyAccess=all`.
 */
export class SystemdNotify implements Disposable {
  readonly #options: SystemdNotifyOptions;
  #stopWatchdog = (): void => {};
  #isTelling = false;
  #isInTrouble = false;

  constructor(options: SystemdNotifyOptions) {
    this.#options = options;
  }

  /** Says that clients are served, and keeps the watchdog quiet from now on for as long as the event loop turns. */
  ready(): void {
    this.#tell(['READY=1', 'STATUS=Serving']);
    const { environment, pid, every = callEvery } = this.#options;
    const { WATCHDOG_USEC = '', WATCHDOG_PID } = environment;
    const isForUs = WATCHDOG_PID === undefined || WATCHDOG_PID === String(pid);
    if (!isForUs || !/^[1-9]\d{0,15}$/.test(WATCHDOG_USEC)) return;
    // Half the time it has, as sd_watchdog_enabled(3) recommends.
    const intervalMs = Math.max(1, Number(WATCHDOG_USEC) / 2000);
    this.#stopWatchdog = every(intervalMs, () => {
      // One that hangs is systemd's trouble; no others queue up behind it.
      if (!this.#isTelling) this.#tell(['WATCHDOG=1']);
    });
  }

  /** Says that no new clients are served; the watchdog goes on until the process has ended. */
  stopping(): void {
    this.#tell(['STOPPING=1', 'STATUS=Waiting for the open sessions to end']);
  }

  [Symbol.dispose](): void {
    this.#stopWatchdog();
  }

  #tell(words: readonly string[]): void {
    const { environment, say, run = runSystemdNotify } = this.#options;
    const { NOTIFY_SOCKET, PATH = '/usr/bin:/bin' } = environment;
    if (NOTIFY_SOCKET === undefined || NOTIFY_SOCKET === '') return;
    this.#isTelling = true;
    run(words, {
      env: { NOTIFY_SOCKET, PATH },
      onEnd: (error) => {
        this.#isTelling = false;
        // Once: what is wrong with it seldom changes, and it is asked again and again.
        if (error !== undefined && !this.#isInTrouble) say(`Cannot tell systemd ${words[0]}: ${error.message}`);
        this.#isInTrouble = error !== undefined;
      },
    });
  }
}

const runSystemdNotify: RunProgram = (args, { env, onEnd }) => {
  const child = spawn('systemd-notify', args, { env, stdio: 'ignore' });
  child.once('error', onEnd);
  child.once('exit', (code, signal) => {
    onEnd(code === 0 ? undefined : new Error(`systemd-notify ended with ${signal ?? `exit code ${code}`}`));
  });
  child.unref();
};

const callEvery: CallEvery = (intervalMs, call) => {
  const timer = setInterval(call, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
};
