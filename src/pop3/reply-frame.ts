const lineFeed = 0x0a;
/** As much of a line as tells what it is: `-ERR` and what follows it. */
const headOctets = 5;

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

  /** Reads on, from an offset of a chunk. */
  read(chunk: Uint8Array, start: number): FrameEnd {
    let position = start;
    while (position < chunk.length) {
      const feed = chunk.indexOf(lineFeed, position);
      const end = feed === -1 ? chunk.length : feed + 1;
      this.#keepHead(chunk, { position, end });
      position = end;
      if (feed === -1) return 'open';
      const verdict = this.#judgeLine();
      if (verdict === 'malformed') return verdict;
      if (verdict === 'last') return position;
    }
    return 'open';
  }

  #keepHead(chunk: Uint8Array, { position, end }: { readonly position: number; readonly end: number }): void {
    const missing = headOctets - this.#head.length;
    if (missing > 0) this.#head += String.fromCharCode(...chunk.subarray(position, Math.min(end, position + missing)));
  }

  #judgeLine(): 'last' | 'open' | 'malformed' {
    const head = this.#head;
    this.#head = '';
    const isStatus = /^(?:\+OK|-ERR)[ \r\n]/i.test(head);
    if (this.#isInBody) {
      // What looks like the next reply is it: this one has lost its end.
      if (isStatus) return 'malformed';
      return head === '.\r\n' || head === '.\n' ? 'last' : 'open';
    }
    if (!isStatus) return 'malformed';
    this.#isOk = head.startsWith('+');
    this.#isInBody = this.#isOk && this.#isMultiline;
    return this.#isInBody ? 'open' : 'last';
  }
}
