import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { inTime } from './support.ts';

/** Where a client goes, and from where. */
export interface WireClientOptions {
  readonly port: number;
  readonly localAddress?: string;
  /** TLS from the first octet, verified against this authority. */
  readonly implicitTlsCa?: string;
}

/** Connects; under implicit TLS, handshake included. The greeting is not read. */
export async function connectWireClient({ port, localAddress, implicitTlsCa }: WireClientOptions): Promise<WireClient> {
  const raw = connectTcp({ port, host: '127.0.0.1', noDelay: true, ...(localAddress && { localAddress }) });
  await inTime('a connection', once(raw, 'connect'));
  return new WireClient(raw, implicitTlsCa === undefined ? raw : await secure(raw, implicitTlsCa));
}

/** Connects and reads the greeting. */
export async function connectGreeted(options: WireClientOptions): Promise<WireClient> {
  const client = await connectWireClient(options);
  const greeting = await client.readLine();
  if (!greeting.startsWith('+OK')) throw new Error(`Cannot go on: the greeting is "${greeting}"`);
  return client;
}

async function secure(raw: Socket, ca: string): Promise<Socket> {
  const secured = connectTls({ socket: raw, ca, servername: 'localhost' });
  await inTime('a handshake', once(secured, 'secureConnect'));
  return secured;
}

/** A POP3 client that does what its test says, octet by octet. Texts are octet strings. */
export class WireClient implements Disposable {
  /** Beneath TLS. */
  readonly #raw: Socket;
  #socket: Socket;
  #pending = '';
  #octets = 0;
  #isClosed = false;
  readonly #closed = Promise.withResolvers<void>();
  #error: Error | undefined;
  #wake: () => void = () => {};
  #onChunk: ((chunk: Buffer) => void) | undefined;

  constructor(raw: Socket, socket: Socket) {
    this.#raw = raw;
    this.#socket = socket;
    this.#listenTo(socket);
  }

  /** All octets that came so far. */
  get receivedOctets(): number {
    return this.#octets;
  }

  /** What came and was not read. */
  get unread(): string {
    return this.#pending;
  }

  /** Writes octets as they are. */
  send(octets: string | Uint8Array): void {
    this.#socket.write(typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets);
  }

  /** Reads a line without its ending. Rejects when the connection closes first. */
  async readLine(): Promise<string> {
    await this.#until('a line', () => this.#pending.includes('\r\n'));
    const end = this.#pending.indexOf('\r\n');
    const line = this.#pending.slice(0, end);
    this.#pending = this.#pending.slice(end + 2);
    return line;
  }

  /** Sends a line and reads the first line of the answer. */
  command(line: string): Promise<string> {
    this.send(`${line}\r\n`);
    return this.readLine();
  }

  /** Sends a line and reads a multi-line answer; the lines behind the first, dot-stuffing undone (RFC 1939 §3). */
  async multilineCommand(line: string): Promise<readonly string[]> {
    const status = await this.command(line);
    if (!status.startsWith('+OK')) throw new Error(`Cannot go on: the answer is "${status}"`);
    const lines: string[] = [];
    for (let next = await this.readLine(); next !== '.'; next = await this.readLine()) {
      lines.push(next.startsWith('.') ? next.slice(1) : next);
    }
    return lines;
  }

  /** Logs in with USER and PASS; resolves to the answer to PASS. */
  async logIn(user: string, password: string): Promise<string> {
    await this.command(`USER ${user}`);
    return this.command(`PASS ${password}`);
  }

  /** Asks for TLS and goes on under it. */
  async startTls(ca: string): Promise<void> {
    const status = await this.command('STLS');
    if (!status.startsWith('+OK')) throw new Error(`Cannot go on: the answer is "${status}"`);
    this.#raw.off('data', this.#onData);
    this.#socket = await secure(this.#raw, ca);
    this.#listenTo(this.#socket);
  }

  /** From here on hands octets over as they come, those unread first. */
  stream(onChunk: (chunk: Buffer) => void): void {
    const unread = this.#pending;
    this.#pending = '';
    if (unread !== '') onChunk(Buffer.from(unread, 'latin1'));
    this.#onChunk = onChunk;
  }

  /** Reads no more until `resume`. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Closes the sending side. */
  end(): void {
    this.#socket.end();
  }

  /** Ends the connection by a reset. */
  reset(): void {
    this.#raw.resetAndDestroy();
  }

  /** Resolves when the connection is closed, with what was not read until then. */
  async closed(): Promise<string> {
    await inTime('the end of the connection', this.#closed.promise);
    return this.#pending;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  async #until(what: string, isThere: () => boolean): Promise<void> {
    await inTime(
      what,
      this.#waitFor(() => isThere() || this.#isClosed),
    );
    if (!isThere()) throw new Error(`Cannot read ${what}: the connection is closed (${this.#error?.message})`);
  }

  async #waitFor(isThere: () => boolean): Promise<void> {
    while (!isThere()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#octets += chunk.length;
    if (this.#onChunk === undefined) this.#pending += chunk.toString('latin1');
    else this.#onChunk(chunk);
    this.#wake();
  };

  #listenTo(socket: Socket): void {
    socket.on('data', this.#onData);
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', () => {
      this.#isClosed = true;
      this.#closed.resolve();
      this.#wake();
    });
  }
}
