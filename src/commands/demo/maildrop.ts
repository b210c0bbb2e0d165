/** A message of a maildrop, with what POP3 says about it. */
export interface Message {
  /** Lines end in CRLF, the last one too. */
  readonly octets: Uint8Array;
  /** RFC 1939 §7 (UIDL): stays with the message, and no other ever gets it. */
  readonly uniqueId: string;
}

/** A user's messages. Sessions see them through `open`, and what they delete goes when they commit. */
export class Maildrop {
  #messages: readonly Message[];

  /** A message that does not end in CRLF gets one: without it, it could not be sent as it is. */
  constructor(messages: readonly Uint8Array[]) {
    this.#messages = messages.map((octets, index) => ({
      octets: withFinalLineEnd(octets),
      uniqueId: `sandbox-${String(index + 1).padStart(5, '0')}`,
    }));
  }

  /** The messages as a session sees them from its login on (RFC 1939 §4: numbers do not change within a session). */
  open(): OpenMaildrop {
    return new OpenMaildrop(this.#messages, (deleted) => {
      this.#messages = this.#messages.filter((message) => !deleted.has(message));
    });
  }
}

/** One session's view of a maildrop: numbered messages, some of them marked as deleted. */
export class OpenMaildrop {
  readonly #messages: readonly Message[];
  readonly #removeForGood: (deleted: ReadonlySet<Message>) => void;
  readonly #deleted = new Set<Message>();

  constructor(messages: readonly Message[], removeForGood: (deleted: ReadonlySet<Message>) => void) {
    this.#messages = messages;
    this.#removeForGood = removeForGood;
  }

  /** Messages not marked as deleted, with their numbers from 1. */
  list(): ReadonlyArray<readonly [number: number, message: Message]> {
    return this.#messages
      .map((message, index) => [index + 1, message] as const)
      .filter(([, message]) => !this.#deleted.has(message));
  }

  /** The message of that number; undefined where there is none or it is marked as deleted. */
  get(number: number): Message | undefined {
    const message = this.#messages[number - 1];
    return message === undefined || this.#deleted.has(message) ? undefined : message;
  }

  /** Marks a message as deleted. */
  delete(message: Message): void {
    this.#deleted.add(message);
  }

  /** Takes all marks back. */
  reset(): void {
    this.#deleted.clear();
  }

  /** The UPDATE state (RFC 1939 §6): marked messages are gone. */
  commit(): void {
    this.#removeForGood(this.#deleted);
  }
}

/** The header, the empty line and the first `bodyLines` lines of the body (RFC 1939 §7, TOP). */
export function topOfMessage(octets: Uint8Array, bodyLines: number): Uint8Array {
  const message = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
  const headerEnd = message.indexOf('\r\n\r\n');
  if (headerEnd === -1) return octets;
  let end = headerEnd + 4;
  for (let line = 0; line < bodyLines; line += 1) {
    const lineEnd = message.indexOf('\r\n', end);
    if (lineEnd === -1) break;
    end = lineEnd + 2;
  }
  return octets.subarray(0, end);
}

/** Puts a dot before every line that begins with one (RFC 1939 §3). */
export function stuffDots(octets: Uint8Array): Uint8Array {
  const message = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
  const parts: Uint8Array[] = [];
  let start = 0;
  let dot = message[0] === 0x2e ? 0 : nextLeadingDot(message, 0);
  while (dot !== -1) {
    parts.push(message.subarray(start, dot), Buffer.from('.'));
    start = dot;
    dot = nextLeadingDot(message, dot);
  }
  return parts.length === 0 ? octets : Buffer.concat([...parts, message.subarray(start)]);
}

function nextLeadingDot(message: Buffer, from: number): number {
  const lineEnd = message.indexOf('\r\n.', from);
  return lineEnd === -1 ? -1 : lineEnd + 2;
}

function withFinalLineEnd(octets: Uint8Array): Uint8Array {
  const hasLineEnd = octets.at(-2) === 0x0d && octets.at(-1) === 0x0a;
  return hasLineEnd ? octets : Buffer.concat([octets, Buffer.from('\r\n')]);
}
