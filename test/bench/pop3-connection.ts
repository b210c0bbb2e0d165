import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { sameTls, serverName, type Target } from './jobs.ts';

/** A connection on which nothing happens for so long is broken. */
const silenceTimeoutMs = 20_000;
const endOfLines = Buffer.from('\r\n.\r\n');

/** What to connect to and with. */
export interface Pop3ConnectionOptions extends Target {
  /** Default: 127.0.0.1. */
  readonly localAddress?: string | undefined;
  /** A TLS session to resume. */
  readonly session?: Buffer | undefined;
  readonly onSession?: ((session: Buffer) => void) | undefined;
}

interface Waiting {
  readonly isMultiline: boolean;
  readonly resolve: (octets: number) => void;
  readonly reject: (error: Error) => void;
}

/** A client's connection that sends one command at a time and counts the octets of its reply. Its owner ends it with `close`. */
export class Pop3Connection {
  readonly #socket: Socket;
  readonly #closed = Promise.withResolvers<void>();
  #waiting: Waiting | undefined;
  #error: Error | undefined;
  #octets = 0;
  #cutAfterOctets = Number.POSITIVE_INFINITY;
  /** The last octets of the reply so far, enough to see its end. */
  #tail: Buffer = Buffer.alloc(0);

  constructor(options: Pop3ConnectionOptions) {
    this.#socket = dial(options);
    this.#socket.setTimeout(silenceTimeoutMs, () => this.#socket.destroy(new Error('the connection is silent')));
    this.#socket.on('data', this.#onData);
    this.#socket.on('error', (error: Error) => this.#fail(error));
    this.#socket.on('close', () => {
      this.#fail(new Error('the connection was closed'));
      this.#closed.resolve();
    });
  }

  /** Whether it resumed a TLS session; known once it is greeted. */
  get isResumed(): boolean {
    return this.#socket instanceof TLSSocket && this.#socket.isSessionReused();
  }

  /** The greeting. */
  greeted(): Promise<number> {
    return this.#expect(false);
  }

  /** Sends a command; resolves to the octets of its reply. Rejects on `-ERR`. */
  ask(command: string, { isMultiline = false } = {}): Promise<number> {
    const reply = this.#expect(isMultiline);
    this.#socket.write(`${command}\r\n`, 'latin1');
    return reply;
  }

  /** Whether it can still be spoken on. */
  get isOpen(): boolean {
    return this.#error === undefined;
  }

  /** Permits it to be silent for ever. */
  rest(): void {
    this.#socket.setTimeout(0);
  }

  /** Asks for a message, takes at least so many octets of it, and is gone without another word. */
  async cut(command: string, { afterOctets }: { readonly afterOctets: number }): Promise<void> {
    const reply = this.#expect(true);
    this.#cutAfterOctets = afterOctets;
    this.#socket.write(`${command}\r\n`, 'latin1');
    await reply.catch(() => {});
    await this.#closed.promise;
  }

  /** Ends it without a word. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Resolves when the connection is gone. */
  close(): Promise<void> {
    this.#socket.end();
    return this.#closed.promise;
  }

  #expect(isMultiline: boolean): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#waiting = { isMultiline, resolve, reject };
    if (this.#error !== undefined) this.#fail(this.#error);
    return promise;
  }

  readonly #onData = (chunk: Buffer): void => {
    const isFirst = this.#octets === 0;
    this.#octets += chunk.length;
    this.#tail = chunk.length < endOfLines.length ? Buffer.concat([this.#tail, chunk]) : chunk;
    const waiting = this.#waiting;
    if (waiting === undefined || (isFirst && chunk[0] !== 0x2b)) {
      this.#socket.destroy(new Error(`it said ${JSON.stringify(chunk.toString('latin1', 0, 200))}`));
      return;
    }
    if (this.#octets > this.#cutAfterOctets) {
      this.#socket.destroy();
      return;
    }
    const end = waiting.isMultiline ? endOfLines : endOfLines.subarray(0, 2);
    if (!this.#tail.subarray(-end.length).equals(end)) return;
    const octets = this.#octets;
    this.#octets = 0;
    this.#tail = Buffer.alloc(0);
    this.#waiting = undefined;
    waiting.resolve(octets);
  };

  #fail(error: Error): void {
    this.#error ??= error;
    this.#waiting?.reject(new Error(`Cannot finish a session: ${this.#error.message}`, { cause: error }));
    this.#waiting = undefined;
  }
}

/** One for all connections: to read certificates for each would be most of a client's work. */
const contexts = new Map<string, SecureContext>();

function contextFor({ ca, ecdhCurve = sameTls.ecdhCurve }: Target): SecureContext {
  const name = `${ecdhCurve} ${ca}`;
  let context = contexts.get(name);
  if (context === undefined) {
    context = createSecureContext({ ...sameTls, ca, ecdhCurve });
    contexts.set(name, context);
  }
  return context;
}

function dial(options: Pop3ConnectionOptions): Socket {
  const { port, transport, localAddress = '127.0.0.1', session, onSession } = options;
  const endpoint = { host: '127.0.0.1', port, localAddress, noDelay: true };
  if (transport === 'plaintext') return connectTcp(endpoint);
  const socket = connectTls({
    ...endpoint,
    secureContext: contextFor(options),
    servername: serverName,
    ...(session === undefined ? {} : { session }),
  });
  if (onSession !== undefined) socket.on('session', onSession);
  return socket;
}
