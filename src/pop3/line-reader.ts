import { octetString } from './octet-string.ts';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const noOctets = new Uint8Array(0);

/** What `LineReader.next` found. */
export type ReadLine =
  /** A whole line without its ending, as an octet string: one character (0–255) an octet. */
  { readonly kind: 'line'; readonly text: string } | { readonly kind: 'incomplete' } | { readonly kind: 'tooLong' };

/**
 * Cuts a stream of octets into lines, wherever the stream was split on its way.
 * Lines end in CRLF (RFC 1939 §3); a bare LF is tolerated. Octets behind the last line taken stay available.
 * The caller bounds what is pushed: nothing here drops octets.
 */
export class LineReader {
  #octets: Uint8Array = noOctets;
  /** Octets from the start that are known to hold no LF. */
  #searched = 0;

  /** Appends octets; the chunk is kept, not copied, while it is the only one. */
  push(chunk: Uint8Array): void {
    this.#octets = this.#octets.length === 0 ? chunk : concatenate(this.#octets, chunk);
  }

  /** Takes the next line of at most `maxOctets`, its ending included. A line too long stays where it is. */
  next(maxOctets: number): ReadLine {
    const end = this.#octets.indexOf(lineFeed, this.#searched);
    if (end === -1) {
      this.#searched = this.#octets.length;
      return { kind: this.#searched >= maxOctets ? 'tooLong' : 'incomplete' };
    }
    if (end >= maxOctets) return { kind: 'tooLong' };
    const textEnd = end > 0 && this.#octets[end - 1] === carriageReturn ? end - 1 : end;
    const text = octetString(this.#octets.subarray(0, textEnd));
    this.#octets = this.#octets.subarray(end + 1);
    this.#searched = 0;
    return { kind: 'line', text };
  }

  /** Whether the octets not yet taken begin with `prefix`, which is ASCII in upper case; the octets' case is ignored. */
  startsWith(prefix: string): boolean {
    return octetString(this.#octets.subarray(0, prefix.length)).toUpperCase() === prefix;
  }

  /** Octets pushed and not yet taken. */
  get bufferedOctets(): number {
    return this.#octets.length;
  }

  /** Takes all remaining octets as they came. */
  takeRest(): Uint8Array {
    const rest = this.#octets;
    this.#octets = noOctets;
    this.#searched = 0;
    return rest;
  }
}

function concatenate(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const whole = new Uint8Array(head.length + tail.length);
  whole.set(head);
  whole.set(tail, head.length);
  return whole;
}
