import type { Logger } from 'pino';
import type { GateEvent } from '../proxy/events.ts';
import { describeTrouble } from './delivery-trouble.ts';
import { formatLoginLine } from './login-lines.ts';
import { ReopenableFile } from './reopenable-file.ts';

/** Where login lines go, and what they need to know. */
export interface LoginLineWriterOptions {
  /** An absolute path; absent: among the lines of `standardOutput`. */
  readonly file?: string;
  readonly standardOutput: { write(line: string): void };
  /** The name of this host. */
  readonly hostname: string;
  readonly processId: number;
  readonly log: Logger;
  readonly nowMs?: () => number;
}

/** Writes Dovecot's line for each login. No login waits for it. */
export class LoginLineWriter implements AsyncDisposable {
  readonly #options: LoginLineWriterOptions;
  readonly #file: ReopenableFile | undefined;
  readonly #localAddresses = new Map<string, string>();

  constructor(options: LoginLineWriterOptions) {
    const { file: path, log } = options;
    this.#options = options;
    this.#file = path === undefined ? undefined : openFile(path, log);
  }

  /** Says which address a listener has. */
  setLocalAddress(listener: string, address: string): void {
    this.#localAddresses.set(listener, address);
  }

  record(event: GateEvent): void {
    if (event.kind !== 'loginFinished') return;
    const { hostname, processId, standardOutput, nowMs = Date.now } = this.#options;
    const localAddress = this.#localAddresses.get(event.listener) ?? '0.0.0.0';
    const line = formatLoginLine(event, { timeMs: nowMs(), hostname, processId, localAddress });
    (this.#file ?? standardOutput).write(`${line}\n`);
  }

  /** Goes on in a new file, where the old one was moved away. */
  async reopen(): Promise<void> {
    await this.#file?.reopen();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.[Symbol.asyncDispose]();
  }
}

function openFile(path: string, log: Logger): ReopenableFile {
  return new ReopenableFile({
    path,
    observer: {
      onTrouble: (error) =>
        log.error(
          { event: 'loginLinesTrouble', detail: describeTrouble(error) },
          'Login lines cannot be written: they are kept for now, and it is tried again each second',
        ),
      onLoss: () => log.error({ event: 'loginLinesLoss' }, 'Login lines are being lost: there is no room to keep them'),
      onRecovered: (dropped) => log.warn({ event: 'loginLinesRecovered', dropped }, 'Login lines are written again'),
    },
  });
}
