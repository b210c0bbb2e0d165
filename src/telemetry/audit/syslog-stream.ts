import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { type DeliveryObserver, GatheredWriter } from '../gathered-writer.ts';
import { frameSyslog } from './syslog-message.ts';

/** A receiver that neither takes nor refuses is given up so fast. */
const connectTimeoutMs = 5_000;
const deliveryTimeoutMs = 10_000;

/** Where a stream of messages goes. */
export interface SyslogStreamOptions {
  readonly endpoint: { readonly host: string; readonly port: number } | { readonly path: string };
  readonly observer: DeliveryObserver;
}

/**
 * Sends messages over TCP or a Unix stream socket, with octet counting. After a connection broke, what had not left whole
 * is sent again, so that a receiver may see a message twice.
 */
export class SyslogStream implements AsyncDisposable {
  readonly #endpoint: NetConnectOpts;
  readonly #writer: GatheredWriter;
  #socket: Socket | undefined;

  constructor({ endpoint, observer }: SyslogStreamOptions) {
    this.#endpoint = endpoint;
    this.#writer = new GatheredWriter({ deliver: (octets) => this.#send(octets), observer });
    void this.#writer.probe();
  }

  /** How many messages were dropped since the start, for want of room while the receiver took none. */
  get dropped(): number {
    return this.#writer.dropped;
  }

  write(message: string): void {
    this.#writer.write(frameSyslog(message));
  }

  flush(): Promise<void> {
    return this.#writer.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    this.#socket?.end();
    this.#socket?.unref();
    this.#socket = undefined;
  }

  async #send(octets: Uint8Array): Promise<number> {
    const socket = await this.#connected();
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const timer = setTimeout(() => socket.destroy(new Error('it takes nothing')), deliveryTimeoutMs);
    // Tells also of a socket that breaks meanwhile.
    socket.write(octets, (error) => (error ? reject(error) : resolve(octets.length)));
    return promise.finally(() => clearTimeout(timer));
  }

  async #connected(): Promise<Socket> {
    if (this.#socket?.writable) return this.#socket;
    this.#socket = await open(this.#endpoint);
    return this.#socket;
  }
}

function open(endpoint: NetConnectOpts): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect(endpoint, () => resolve(socket));
  const timer = setTimeout(() => socket.destroy(new Error('it does not answer')), connectTimeoutMs);
  socket.on('error', reject);
  socket.on('close', () => reject(new Error('it closed the connection')));
  // A receiver says nothing; an end that it sends is only seen by whoever reads.
  socket.resume();
  return promise.finally(() => clearTimeout(timer));
}
