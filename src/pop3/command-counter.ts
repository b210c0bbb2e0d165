import { type CommandCounts, type CountedCommand, countedCommands, noCommands } from './counted-command.ts';

const lineFeed = 0x0a;
/** Upper case by clearing the bit that tells ASCII cases apart. */
const upperCaseMask = 0xdf;

/** Verbs as one number of up to four octets, so that counting compares numbers and makes no strings. */
const verbsByCode = new Map<number, CountedCommand>(
  countedCommands.filter((verb) => verb !== 'other').map((verb) => [encode(verb), verb]),
);

/** Counts a client's commands by verb from its octets, however they were cut into chunks, without holding them up. */
export class CommandCounter {
  /** This client's own. */
  readonly counts: CommandCounts = noCommands();
  readonly #totals: CommandCounts;
  /** The verb read so far, four octets at most; -1: the line's verb has been counted. */
  #code = 0;
  #length = 0;

  /** `totals` is what all clients' commands are added to. */
  constructor(totals: CommandCounts) {
    this.#totals = totals;
  }

  count(chunk: Uint8Array): void {
    let position = 0;
    while (position < chunk.length) {
      if (this.#code === -1) {
        const end = chunk.indexOf(lineFeed, position);
        if (end === -1) return;
        position = end + 1;
        this.#code = 0;
        this.#length = 0;
        continue;
      }
      this.#read(chunk[position] ?? 0);
      position += 1;
    }
  }

  #read(octet: number): void {
    const isLetter = (octet & upperCaseMask) >= 0x41 && (octet & upperCaseMask) <= 0x5a;
    if (isLetter && this.#length < 4) {
      this.#code = (this.#code << 8) | (octet & upperCaseMask);
      this.#length += 1;
      return;
    }
    // An empty line is no command; anything else has ended its verb here.
    const isEmptyLine = this.#length === 0 && (octet === lineFeed || octet === 0x0d);
    if (!isEmptyLine) this.#add(isLetter ? 'other' : (verbsByCode.get(this.#code) ?? 'other'));
    this.#code = octet === lineFeed ? 0 : -1;
    this.#length = 0;
  }

  #add(verb: CountedCommand): void {
    this.counts[verb] += 1;
    this.#totals[verb] += 1;
  }
}

function encode(verb: string): number {
  let code = 0;
  for (let index = 0; index < verb.length; index += 1) code = (code << 8) | verb.charCodeAt(index);
  return code;
}
