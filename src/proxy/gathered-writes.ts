import type { Writable } from 'node:stream';
import { setImmediate } from 'node:timers';

/** What a full TLS record holds (RFC 8446 §5.1): behind one of that size more is on its way as a rule. */
const fullRecordOctets = 16_384;
/** One call to the system and one turn of the encryption for eight records; twice as many gain nothing more. */
const roomOctets = 8 * fullRecordOctets;
/**
 * Rooms kept for whoever transfers next, 8 MB in all and never more than were in use at once. Made anew for each write they
 * keep the garbage collector busy, and are 100 MB of garbage before it comes.
 */
const maxSpareRooms = 64;
const spareRooms: Buffer[] = [];

/** Writes that are made of full TLS records as they come in one turn; whatever is shorter goes out at once. */
export class GatheredWrites {
  readonly #to: Writable;
  #room: Buffer | undefined;
  #length = 0;
  #isScheduled = false;

  constructor(to: Writable) {
    this.#to = to;
  }

  /** Takes a copy. Returns whether there may be more at once; otherwise `drain` tells when. Octets in excess are taken all the same. */
  add(octets: Uint8Array): boolean {
    if (octets.length > roomOctets - this.#length) this.flush();
    const isFull = octets.length >= fullRecordOctets && octets.length <= roomOctets;
    if (this.#room === undefined && !isFull) return this.#to.write(Buffer.from(octets));
    this.#room ??= spareRooms.pop() ?? Buffer.allocUnsafeSlow(roomOctets);
    this.#room.set(octets, this.#length);
    this.#length += octets.length;
    if (!isFull || this.#length === roomOctets) this.flush();
    else this.#schedule();
    return !this.#to.writableNeedDrain;
  }

  /** Writes what was gathered. To be called before the end of what it is written to. */
  flush(): void {
    const room = this.#room;
    if (room === undefined) return;
    const gathered = room.subarray(0, this.#length);
    this.#room = undefined;
    this.#length = 0;
    if (!this.#to.writable) return;
    this.#to.write(gathered, (error) => {
      if (!error && spareRooms.length < maxSpareRooms) spareRooms.push(room);
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#onTurnOver);
  }

  readonly #onTurnOver = (): void => {
    this.#isScheduled = false;
    this.flush();
  };
}
