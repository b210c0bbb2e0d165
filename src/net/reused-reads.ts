import type { OnReadOpts, Socket } from 'node:net';
import type { TakeOctets } from '../proxy/ports.ts';

/**
 * A TLS socket hands over one record at a time, of this size at most (RFC 8446 §5.1). All share the memory for it: it is
 * filled and taken from in one go.
 */
const record = Buffer.allocUnsafeSlow(16_384);

const readsOf = new WeakMap<Socket, ReusedReads>();

/**
 * Reads of a TLS socket into memory that is used again: memory made for each record keeps the garbage collector busier than
 * the decryption. Until somebody takes the octets directly, they are copied and come as the stream's own.
 */
export class ReusedReads {
  /** For `tls.connect`; where that has no use for it, octets are the stream's own for good. */
  readonly onread: OnReadOpts = {
    buffer: record,
    callback: (length, octets) => this.#onRead(octets.subarray(0, length)),
  };
  #socket: Socket | undefined;
  #take: TakeOctets | undefined;

  /** Names the socket that was made with `onread`. */
  belongTo(socket: Socket): void {
    this.#socket = socket;
    readsOf.set(socket, this);
  }

  /** Hands over what is read from now on, but for what has to queue behind octets in the stream. */
  giveTo(take: TakeOctets): void {
    this.#take = take;
  }

  /** Returns whether reading goes on. */
  #onRead(octets: Uint8Array): boolean {
    const socket = this.#socket;
    if (socket === undefined || socket.destroyed) return false;
    if (this.#take === undefined || socket.readableLength > 0) return socket.push(Buffer.from(octets));
    this.#take(octets);
    return true;
  }
}

/** Has a socket's octets handed over directly; undefined where it reads into memory of its own. */
export function directReads(socket: Socket): ((take: TakeOctets) => void) | undefined {
  const reads = readsOf.get(socket);
  return reads && ((take) => reads.giveTo(take));
}
