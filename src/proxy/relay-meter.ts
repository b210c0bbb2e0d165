import { type CommandCounts, noCommands } from '../pop3/counted-command.ts';
import { ReadAheadBook } from './read-ahead-book.ts';

/** How often, and for how long in sum, relays read nothing from one side because the other did not drink. */
export class PauseMeter {
  readonly #nowMs: () => number;
  #count = 0;
  #active = 0;
  /** The ends of all pauses minus their beginnings, those under way counted as if they had ended at 0. */
  #sumMs = 0;

  /** `nowMs` is a clock that never steps back. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Pauses so far, those under way included. */
  get count(): number {
    return this.#count;
  }

  /** Their time so far, those under way included. */
  get durationMs(): number {
    return this.#sumMs + this.#active * this.#nowMs();
  }

  begin(): void {
    this.#count += 1;
    this.#active += 1;
    this.#sumMs -= this.#nowMs();
  }

  end(): void {
    this.#active -= 1;
    this.#sumMs += this.#nowMs();
  }
}

/** What all relays of one Postern have moved since its start. Relays add to it, the metrics read it at each scrape. */
export interface RelayMeter {
  octetsToUpstream: number;
  octetsToClient: number;
  readonly commands: CommandCounts;
  readonly readAhead: ReadAheadBook;
  /** By the side that is not read from. */
  readonly pauses: { readonly client: PauseMeter; readonly upstream: PauseMeter };
}

/** A meter at zero. */
export function createRelayMeter(nowMs = () => performance.now()): RelayMeter {
  return {
    octetsToUpstream: 0,
    octetsToClient: 0,
    commands: noCommands(),
    readAhead: new ReadAheadBook(nowMs),
    pauses: { client: new PauseMeter(nowMs), upstream: new PauseMeter(nowMs) },
  };
}
