import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { DeliveryObserver } from '../gathered-writer.ts';

/** Datagrams that the system has not taken yet; what comes on top is dropped. */
const maxQueuedOctets = 8 * 1024 * 1024;
/** How long to wait before a receiver that failed is looked up again. */
const retryMs = 1_000;
const flushTimeoutMs = 1_000;

/** Where datagrams go. */
export interface SyslogDatagramsOptions {
  readonly endpoint: { readonly host: string; readonly port: number };
  readonly observer: DeliveryObserver;
  readonly nowMs?: () => number;
}

/** Sends each message as a UDP datagram (RFC 5426). What the network loses is lost; what could not even be sent is counted. */
export class SyslogDatagrams implements AsyncDisposable {
  readonly #options: SyslogDatagramsOptions;
  readonly #nowMs: () => number;
  readonly #socket: Socket;
  #queuedOctets = 0;
  #onEmpty: (() => void) | undefined;
  #failedAtMs: number | undefined;
  #dropped = 0;
  #droppedInAll = 0;

  constructor(options: SyslogDatagramsOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#socket = createSocket(isIPv6(options.endpoint.host) ? 'udp6' : 'udp4');
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.unref();
  }

  get dropped(): number {
    return this.#droppedInAll;
  }

  write(message: string): void {
    const octets = Buffer.from(message);
    const isResting = this.#failedAtMs !== undefined && this.#nowMs() < this.#failedAtMs + retryMs;
    if (isResting || this.#queuedOctets + octets.length > maxQueuedOctets) {
      this.#drop();
      return;
    }
    this.#queuedOctets += octets.length;
    const { host, port } = this.#options.endpoint;
    this.#socket.send(octets, port, host, (error) => {
      this.#queuedOctets -= octets.length;
      if (this.#queuedOctets === 0) this.#onEmpty?.();
      if (error) {
        this.#fail(error);
        this.#drop();
      } else this.#recover();
    });
  }

  /** Resolves when the system has taken everything, at the latest after a second. */
  async flush(): Promise<void> {
    if (this.#queuedOctets === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEmpty = resolve;
    const deadline = setTimeout(resolve, flushTimeoutMs);
    await promise;
    clearTimeout(deadline);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.close(() => resolve());
    await promise;
  }

  #fail(error: Error): void {
    if (this.#failedAtMs === undefined) this.#options.observer.onTrouble(error);
    this.#failedAtMs = this.#nowMs();
  }

  #drop(): void {
    this.#dropped += 1;
    this.#droppedInAll += 1;
    if (this.#dropped === 1) this.#options.observer.onLoss();
  }

  #recover(): void {
    if (this.#failedAtMs === undefined && this.#dropped === 0) return;
    const dropped = this.#dropped;
    this.#failedAtMs = undefined;
    this.#dropped = 0;
    this.#options.observer.onRecovered(dropped);
  }
}
