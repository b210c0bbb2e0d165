import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';

/** The far end of a connection under test: it sends octet strings and remembers what it got. */
export class Peer {
  readonly socket: Socket;
  readonly #chunks: Buffer[] = [];
  #taken = 0;
  #text = '';

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', this.#onData);
    // What a reset means is for the test to say.
    socket.on('error', () => {});
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#chunks.push(chunk);
  };

  /** Everything received so far, as an octet string. */
  get received(): string {
    if (this.#chunks.length > 0) this.#text += Buffer.concat(this.#chunks.splice(0)).toString('latin1');
    return this.#text;
  }

  send(octets: string | Uint8Array): void {
    this.socket.write(typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets);
  }

  /** Waits for `text` and takes everything up to its end. Rejects when the connection ends before. */
  async until(text: string): Promise<string> {
    for (;;) {
      const end = this.received.indexOf(text, this.#taken);
      if (end !== -1) {
        const taken = this.received.slice(this.#taken, end + text.length);
        this.#taken = end + text.length;
        return taken;
      }
      if (this.socket.readableEnded || this.socket.closed) {
        throw new Error(
          `Cannot find ${JSON.stringify(text)}: the connection ended behind ${JSON.stringify(this.#text)}`,
        );
      }
      await nextOf(this.socket, ['data', 'end', 'close']);
    }
  }

  line(): Promise<string> {
    return this.until('\r\n');
  }

  /** Sends a line and takes the line that answers it. */
  ask(line: string): Promise<string> {
    this.send(`${line}\r\n`);
    return this.line();
  }

  /** Waits until the other side will send no more, and takes what is left. */
  async rest(): Promise<string> {
    while (!this.socket.readableEnded && !this.socket.closed) await nextOf(this.socket, ['end', 'close']);
    const rest = this.received.slice(this.#taken);
    this.#taken = this.received.length;
    return rest;
  }

  /** Waits until the connection is closed both ways. */
  async closed(): Promise<void> {
    if (!this.socket.closed) await nextOf(this.socket, ['close']);
  }

  /** Begins a handshake on this connection; certificates are not what these tests are about. */
  async startTls(options: ConnectionOptions = {}): Promise<Peer> {
    this.socket.off('data', this.#onData);
    const socket: TLSSocket = connectTls({ rejectUnauthorized: false, ...options, socket: this.socket });
    const peer = new Peer(socket);
    await once(socket, 'secureConnect');
    return peer;
  }
}

/** Resolves at the first of these events, whatever comes with it. */
export function nextOf(socket: Socket, events: readonly string[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const onEvent = (): void => {
    for (const event of events) socket.off(event, onEvent);
    resolve();
  };
  for (const event of events) socket.on(event, onEvent);
  return promise;
}

/** The port a server got. */
export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Cannot tell the port: the server is closed');
  return address.port;
}

/** Both ends of one TCP connection; neither end closes its sending side because the other did. */
export interface SocketPair {
  readonly accepted: Socket;
  readonly connected: Socket;
}

/** Makes a connection over loopback. Accepted sockets are as the listeners make them: unread and allowed to be half open. */
export async function connectPair({ host = '127.0.0.1' }: { readonly host?: string } = {}): Promise<SocketPair> {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.listen(0, host);
  await once(server, 'listening');
  const connected = connect({ host, port: portOf(server), allowHalfOpen: true, noDelay: true });
  const [[accepted]] = await Promise.all([once(server, 'connection') as Promise<[Socket]>, once(connected, 'connect')]);
  server.close();
  return { accepted, connected };
}

/** Longer than anything here takes, shorter than a test may. */
const patienceMs = 10_000;

/** Waits for a condition that no event announces, a turn of the event loop at a time. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  const giveUpAtMs = performance.now() + patienceMs;
  while (!condition()) {
    if (performance.now() > giveUpAtMs) throw new Error(`Cannot see that ${what}: it did not come true`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
