const noOctets: readonly Uint8Array[] = [];

/** Answers kept by the command that they answer, and the one that is arriving; counts their octets. */
export class AnswerStore<Command> {
  readonly #maxOctets: number;
  readonly #answers = new Map<Command, readonly Uint8Array[]>();
  #arriving: Uint8Array[] = [];
  #octets = 0;

  /** `maxOctets` is how much is kept; it is passed by a chunk before it shows. */
  constructor(maxOctets: number) {
    this.#maxOctets = maxOctets;
  }

  get isFull(): boolean {
    return this.#octets > this.#maxOctets;
  }

  get isArriving(): boolean {
    return this.#arriving.length > 0;
  }

  /** Commands whose answers are here in full. */
  get commands(): readonly Command[] {
    return [...this.#answers.keys()];
  }

  has(command: Command): boolean {
    return this.#answers.has(command);
  }

  /** Adds to what is arriving. It is copied: a chunk may be a small part of a large buffer. */
  add(piece: Uint8Array): void {
    this.#arriving.push(new Uint8Array(piece));
    this.#octets += piece.length;
  }

  /** What has arrived is that command's answer. */
  complete(command: Command): void {
    this.#answers.set(command, this.#arriving);
    this.#arriving = [];
  }

  /** Hands what is arriving over, and keeps it no longer. */
  takeArriving(): readonly Uint8Array[] {
    const arriving = this.#arriving;
    this.#arriving = [];
    return this.#release(arriving);
  }

  /** Hands an answer over, and keeps it no longer. */
  take(command: Command): readonly Uint8Array[] {
    const answer = this.#answers.get(command) ?? noOctets;
    this.#answers.delete(command);
    return this.#release(answer);
  }

  #release(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
    for (const { length } of pieces) this.#octets -= length;
    return pieces;
  }
}
