import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';

/** Where the client goes, and who listens in. */
export interface OldClientOptions {
  readonly host: string;
  readonly port: number;
  /** Ends whatever the client is waiting for. */
  readonly signal: AbortSignal;
  /** Hears every line as an octet string without its ending, credentials included. */
  readonly onWire?: (direction: 'out' | 'in', line: string) => void;
  /** Longest wait for an answer; default 5 s. */
  readonly timeoutMs?: number;
}

const defaultTimeoutMs = 5000;
// The demo's messages are small; whoever sends more is not the sandbox.
const maxPendingOctets = 1_048_576;

/** Connects and reads the greeting. Whoever called closes the client. */
export async function connectOldClient(options: OldClientOptions): Promise<OldClient> {
  const deadline = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs ?? defaultTimeoutMs)]);
  const socket = connectPlain({ host: options.host, port: options.port });
  try {
    await once(socket, 'connect', { signal: deadline });
    const client = new OldClient(socket, options);
    await client.expectOk();
    return client;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** A POP3 client as they were once written: one command at a time, `STLS` if it has to be, whole replies in memory. */
export class OldClient {
  readonly #options: OldClientOptions;
  #socket: Socket;
  #pending = '';
  /** Wakes whoever waits for a line: there are more octets, or there will not be any. */
  #wake: () => void = () => {};
  #end: string | undefined;

  constructor(socket: Socket, options: OldClientOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#listenTo(socket);
  }

  /** Sends a line and reads the one-line answer. Throws where it is not `+OK`; the error never names what was sent. */
  async command(line: string): Promise<string> {
    this.#options.onWire?.('out', line);
    this.#socket.write(`${line}\r\n`, 'latin1');
    return this.expectOk();
  }

  /** Sends a line and reads the lines of the answer behind `+OK`, dot-stuffing undone (RFC 1939 §3). */
  async multilineCommand(line: string): Promise<readonly string[]> {
    await this.command(line);
    const lines: string[] = [];
    for (;;) {
      const next = await this.#readLine();
      if (next === '.') return lines;
      lines.push(next.startsWith('.') ? next.slice(1) : next);
    }
  }

  /** Asks for TLS and goes on under it. Throws where the certificate does not verify against `ca`. */
  async startTls({ ca }: { readonly ca: string }): Promise<{ readonly version: string }> {
    await this.command('STLS');
    const plain = this.#socket;
    plain.off('data', this.#onData);
    const secured: TLSSocket = connectTls({ socket: plain, host: this.#options.host, ca });
    this.#listenTo(secured);
    await once(secured, 'secureConnect', { signal: this.#deadline() });
    this.#socket = secured;
    return { version: secured.getProtocol() ?? 'TLS' };
  }

  /** Says `QUIT` and waits for the server to close. */
  async quit(): Promise<void> {
    await this.command('QUIT');
    this.#socket.end();
    if (!this.#socket.closed) await once(this.#socket, 'close', { signal: this.#deadline() });
  }

  /** Cuts the connection, if there still is one. */
  close(): void {
    this.#socket.destroy();
  }

  /** Reads a status line, such as the greeting. Throws where it is not `+OK`. */
  async expectOk(): Promise<string> {
    const status = await this.#readLine();
    if (/^\+OK(?: |$)/.test(status)) return status;
    throw new Error(`the server answered "${status}"`);
  }

  async #readLine(): Promise<string> {
    const deadline = this.#deadline();
    for (;;) {
      const end = this.#pending.indexOf('\r\n');
      if (end !== -1) {
        const line = this.#pending.slice(0, end);
        this.#pending = this.#pending.slice(end + 2);
        this.#options.onWire?.('in', line);
        return line;
      }
      if (this.#end !== undefined) throw new Error(this.#end);
      await this.#waitForOctets(deadline);
    }
  }

  async #waitForOctets(deadline: AbortSignal): Promise<void> {
    deadline.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => reject(deadline.reason);
    this.#wake = resolve;
    deadline.addEventListener('abort', onAbort, { once: true });
    await promise.finally(() => deadline.removeEventListener('abort', onAbort));
  }

  #deadline(): AbortSignal {
    return AbortSignal.any([this.#options.signal, AbortSignal.timeout(this.#options.timeoutMs ?? defaultTimeoutMs)]);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#pending += chunk.toString('latin1');
    if (this.#pending.length > maxPendingOctets) this.#socket.destroy(new Error('the server sends without end'));
    this.#wake();
  };

  #listenTo(socket: Socket): void {
    const end = (reason: string): void => {
      this.#end ??= reason;
      this.#wake();
    };
    socket.on('data', this.#onData);
    socket.on('error', (error) => end(error.message));
    socket.on('close', () => end('the server closed the connection'));
  }
}

/** What went wrong, as the end of a sentence; time-outs are told by their meaning. */
export function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.name === 'TimeoutError' || cause.name === 'AbortError' ? 'it did not answer in time' : cause.message;
}
