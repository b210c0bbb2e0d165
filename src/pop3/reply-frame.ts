const lineFeed = 0x0a;
/** As much of a line as tells what it is: `-ERR` and what follows it. */
const headOctets = 5;
/** The head of a status line, whole or as far as it has come (RFC 1939 §3). */
const isStatus = /^(?:\+OK|-ERR)[ \r\n]/i;
const mayBeStatus = /^(?:\+(?:O(?:K(?:[ \r\n].?)?)?)?|-(?:E(?:R(?:R[ \r\n]?)?)?)?)?$/is;

/** Where a reply ends: behind that octet; not yet; or it is no reply, and nothing tells where the next one begins. */
export type FrameEnd = number | 'open' | 'malformed';

/** Finds the end of one reply in the octets of an upstream, however they were cut into chunks, and keeps none of them. */
export class ReplyFrame {
  readonly #isMultiline: boolean;
  #head = '';
  #isInBody = false;
  #isOk = false;

  /** Of a positive reply that is multi-line a line with a single dot is the end (RFC 1939 §3); a negative one has one line. */
  constructor({ isMultiline }: { readonly isMultiline: boolean }) {
    this.#isMultiline = isMultiline;
  }

  /** Whether the reply is positive; known once it has ended. */
  get isOk(): boolean {
    return this.#isOk;
  }

  /** How many of the last octets begin a line that may be the next reply's, this one having lost its end. */
  get undecidedOctets(): number {
    return this.#isInBody && this.#head !== '' && mayBeStatus.test(this.#head) ? this.#head.length : 0;
  }

  /** Reads on, from an offset of a chunk. */
  read(chunk: Uint8Array, start: number): FrameEnd {
    let position = start;
    while (position < chunk.length) {
      const feed = chunk.indexOf(lineFeed, position);
      const end = feed === -1 ? chunk.length : feed + 1;
      this.#keepHead(chunk, { position, end });
      // What looks like the next reply is it: this one has lost its end.
      if (this.#isInBody ? isStatus.test(this.#head) : !mayBeStatus.test(this.#head)) return 'malformed';
      position = end;
      if (feed === -1) return 'open';
      if (this.#isLastLine()) return position;
    }
    return 'open';
  }

  #keepHead(chunk: Uint8Array, { position, end }: { readonly position: number; readonly end: number }): void {
    const missing = headOctets - this.#head.length;
    if (missing > 0) this.#head += String.fromCharCode(...chunk.subarray(position, Math.min(end, position + missing)));
  }

  #isLastLine(): boolean {
    const head = this.#head;
    this.#head = '';
    if (this.#isInBody) return head === '.\r\n' || head === '.\n';
    this.#isOk = head.startsWith('+');
    this.#isInBody = this.#isOk && this.#isMultiline;
    return !this.#isInBody;
  }
}
