import { AnswerStore } from './answer-store.ts';
import {
  type ReadAheadCommand,
  type ReadAheadEffect,
  type ReadAheadOutcome,
  type ReadAheadStart,
  readAheadCommands,
} from './read-ahead-terms.ts';
import { ReplyFrame } from './reply-frame.ts';

const commandOctets = 'STAT\r\n'.length;
const noOctets = new Uint8Array(0);

/**
 * Answers STAT, UIDL, LIST and CAPA from what an upstream was asked ahead, once each, and leaves at the first other thing
 * that a client sends. A client gets the octets that it would have got without, and none that answer what it never asked.
 */
export class ReadAhead {
  readonly #start: ReadAheadStart;
  #effects: ReadAheadEffect[] = [];
  #unsent: ReadAheadCommand[] = [];
  /** Sent, and not answered in full; the first is being answered. */
  #due: ReadAheadCommand[] = [];
  /** Due ones whose answers nobody gets. */
  readonly #dropped = new Set<ReadAheadCommand>();
  /** What the client has asked, and not got in full. Those of them that are due stand in the order of `#due`. */
  #asked: ReadAheadCommand[] = [];
  readonly #answers: AnswerStore<ReadAheadCommand>;
  #frame = newFrame(undefined);
  /** Whether what arrives is no reply: where it ends cannot be told. */
  #isLost = false;
  /** The client's octets that may become a command. */
  #line: Uint8Array = noOctets;
  /** The client's octets that wait for an answer due, where the upstream takes one command at a time. */
  #held: Uint8Array = noOctets;
  #tail: Uint8Array = noOctets;
  /** The client's, unless they turn out to be the beginning of the next reply. */
  #withheld: Uint8Array = noOctets;
  #isLeaving = false;
  #isExpired = false;
  #hasUpstreamEnded = false;
  #hasLeft = false;

  /** `maxOctets` is how much is kept, within a chunk. */
  constructor({ start, maxOctets }: { readonly start: ReadAheadStart; readonly maxOctets: number }) {
    this.#start = start;
    this.#answers = new AnswerStore(maxOctets);
  }

  /** Whether the upstream is to be read from. */
  get isUpstreamWanted(): boolean {
    return !this.#answers.isFull && this.#tail.length === 0;
  }

  /** The client's octets that wait. */
  get heldOctets(): number {
    return this.#held.length;
  }

  /** Whether the client waits for something that was asked ahead. */
  get isAwaited(): boolean {
    return this.#asked.length > 0 || (this.#isLeaving && this.#due.length > 0);
  }

  /** Begins with what had arrived on either side. */
  begin(received: { readonly fromClient: Uint8Array; readonly fromUpstream: Uint8Array }): readonly ReadAheadEffect[] {
    const [first, ...others] = readAheadCommands;
    this.#unsent = this.#start === 'stepwise' ? others : [];
    this.#due = this.#start === 'stepwise' ? [first] : [...readAheadCommands];
    this.#frame = newFrame(first);
    if (this.#start !== 'sent') {
      this.#effects.push({ kind: 'ask', line: this.#due.map((verb) => `${verb}\r\n`).join('') });
    }
    this.#readUpstream(received.fromUpstream);
    this.#readClient(received.fromClient);
    return this.#finishStep();
  }

  fromClient(chunk: Uint8Array): readonly ReadAheadEffect[] {
    this.#readClient(chunk);
    return this.#finishStep();
  }

  fromUpstream(chunk: Uint8Array): readonly ReadAheadEffect[] {
    this.#readUpstream(chunk);
    return this.#finishStep();
  }

  /** The client will send no more. */
  clientEnded(): readonly ReadAheadEffect[] {
    if (!this.#isLeaving) this.#beginToLeave(this.#line);
    return this.#finishStep();
  }

  /** The client is gone: what it sent last is all that is left to be done. */
  clientClosed(): readonly ReadAheadEffect[] {
    if (!this.#isLeaving) this.#beginToLeave(this.#line);
    for (const _ of this.#asked) this.#settle('unused');
    this.#due = [];
    this.#asked = [];
    return this.#finishStep();
  }

  /** The upstream will send no more. That shows once the client has used what came before. */
  upstreamEnded(): readonly ReadAheadEffect[] {
    this.#endUpstream();
    return this.#finishStep();
  }

  /** The client has had its time: what it did not ask for is forgotten. */
  expire(): readonly ReadAheadEffect[] {
    this.#unsent = [];
    this.#isExpired = true;
    if (this.#hasUpstreamEnded) this.#dropRest('broken');
    this.#dropUnasked();
    const isAnythingLeft = this.#hasUpstreamEnded || this.#tail.length > 0;
    return isAnythingLeft ? this.#finishStep() : this.#takeEffects();
  }

  #readClient(chunk: Uint8Array): void {
    if (this.#isLeaving) this.#passOn(chunk);
    else this.#readCommands(concatenate(this.#line, chunk));
  }

  #readUpstream(chunk: Uint8Array): void {
    let position = 0;
    while (position < chunk.length && this.#due.length > 0 && !this.#hasUpstreamEnded) {
      position = this.#readReply(chunk, position);
    }
    if (position < chunk.length && !this.#hasUpstreamEnded) {
      // Nobody asked for it here: it stays behind the answers that are there, and nothing more is asked.
      this.#unsent = [];
      this.#tail = concatenate(this.#tail, chunk.subarray(position));
    }
  }

  #readCommands(octets: Uint8Array): void {
    let rest = octets;
    this.#line = noOctets;
    while (rest.length > 0) {
      const candidate = latin1(rest.subarray(0, commandOctets)).toUpperCase();
      const command = readAheadCommands.find((verb) => `${verb}\r\n`.startsWith(candidate));
      if (command !== undefined && candidate.length < commandOctets) {
        this.#line = rest;
        return;
      }
      if (command === undefined || !this.#isAnswerable(command)) {
        this.#beginToLeave(rest);
        return;
      }
      this.#effects.push({ kind: 'taken', octets: rest.subarray(0, commandOctets) });
      rest = rest.subarray(commandOctets);
      this.#asked.push(command);
      // Who asks faster than the upstream answers gains nothing by what is sent from here on, and might wait for it.
      if (!this.#answers.has(command)) this.#unsent = [];
      this.#serve();
    }
  }

  #isAnswerable(command: ReadAheadCommand): boolean {
    if (this.#asked.includes(command)) return false;
    // All that is due goes to the client as it comes: however a server ends it, what follows is the server's to answer.
    if (this.#asked.length > 0 && this.#isAllAsked) return false;
    if (this.#answers.has(command)) return true;
    if (this.#dropped.has(command)) return false;
    const place = this.#due.indexOf(command);
    return place !== -1 && !this.#due.slice(place).some((later) => this.#asked.includes(later));
  }

  /** From here on the client speaks to the upstream itself, behind what is due. */
  #beginToLeave(rest: Uint8Array): void {
    this.#isLeaving = true;
    this.#line = noOctets;
    this.#unsent = [];
    if (this.#isLost && !this.#isAllAsked) this.#cutUpstream();
    if (this.#hasUpstreamEnded) this.#dropRest('broken');
    this.#dropUnasked();
    this.#passOn(rest);
  }

  #passOn(octets: Uint8Array): void {
    if (octets.length === 0) return;
    if (this.#isAllAsked || this.#start === 'stepwise') this.#held = concatenate(this.#held, octets);
    else this.#effects.push({ kind: 'toUpstream', octets });
  }

  #dropUnasked(): void {
    for (const command of this.#answers.commands) {
      if (this.#asked.includes(command)) continue;
      this.#answers.take(command);
      this.#settle('unused');
    }
    for (const command of this.#due) this.#drop(command, 'unused');
  }

  #drop(command: ReadAheadCommand, outcome: ReadAheadOutcome): void {
    if (this.#dropped.has(command) || this.#asked.includes(command)) return;
    this.#dropped.add(command);
    this.#settle(outcome);
    if (command === this.#due[0]) this.#answers.takeArriving();
  }

  /** Reads up to the end of the reply that is due; gives the offset behind what was read. */
  #readReply(chunk: Uint8Array, start: number): number {
    const end = this.#isLost ? 'open' : this.#frame.read(chunk, start);
    if (end === 'malformed') {
      this.#isLost = true;
      this.#unsent = [];
      if (this.#isMoreDue) {
        this.#cutUpstream();
        return chunk.length;
      }
    }
    // What comes right behind the last answer due belongs to it, as far as one can know: whoever asks gets both.
    const isClientHeard = this.#isLeaving && this.#start !== 'stepwise';
    const isLast = this.#due.length === 1 && this.#asked.length === 0 && !isClientHeard;
    const piece = chunk.subarray(start, typeof end === 'number' && !isLast ? end : chunk.length);
    if (typeof end === 'number' && start + piece.length > end) this.#unsent = [];
    this.#take(piece);
    if (typeof end === 'number') this.#completeReply();
    return start + piece.length;
  }

  #take(piece: Uint8Array): void {
    const [command] = this.#due;
    if (command === undefined || this.#dropped.has(command)) return;
    if (this.#asked[0] === command) {
      this.#stream([piece]);
      return;
    }
    this.#answers.add(piece);
    this.#makeWay();
  }

  #completeReply(): void {
    const command = this.#due.shift();
    if (command === undefined) return;
    const { isOk } = this.#frame;
    this.#frame = newFrame(this.#due[0]);
    if (this.#dropped.delete(command)) {
      // Its outcome is known.
    } else if (this.#asked[0] === command) {
      this.#asked.shift();
      this.#settle('used');
    } else if (isOk && !this.#answers.isFull) {
      this.#answers.complete(command);
    } else {
      this.#answers.takeArriving();
      this.#settle(isOk ? 'too_large' : 'refused');
    }
    if (!isOk) this.#onRefusal();
    this.#serve();
    this.#askNext();
  }

  /** A server that refuses is asked no more, and where it was asked all at once, what else it says is not kept. */
  #onRefusal(): void {
    this.#unsent = [];
    for (const command of this.#due) this.#drop(command, 'unused');
  }

  /** Gives the client what it asked for, as far as that is there. */
  #serve(): void {
    for (let [command] = this.#asked; command !== undefined; [command] = this.#asked) {
      if (!this.#answers.has(command)) {
        // It is arriving: what is here already is the client's, and so will be the rest.
        if (command === this.#due[0]) this.#stream(this.#answers.takeArriving());
        break;
      }
      this.#give(this.#answers.take(command));
      this.#asked.shift();
      this.#settle('used');
    }
    this.#makeWay();
  }

  /** What the client waits for comes behind something that is too large to be kept. */
  #makeWay(): void {
    const [arriving] = this.#due;
    if (this.#answers.isFull && this.#asked.length > 0 && arriving !== undefined) this.#drop(arriving, 'too_large');
  }

  /** Gives the client what has arrived of its answer, but for what may be no part of it where another reply is due. */
  #stream(pieces: readonly Uint8Array[]): void {
    const octets = pieces.reduce(concatenate, this.#withheld);
    const undecided = this.#isMoreDue ? this.#frame.undecidedOctets : 0;
    this.#withheld = octets.subarray(octets.length - undecided);
    this.#give([octets.subarray(0, octets.length - undecided)]);
  }

  #give(pieces: readonly Uint8Array[]): void {
    for (const octets of pieces) if (octets.length > 0) this.#effects.push({ kind: 'toClient', octets });
  }

  #releaseWithheld(): void {
    this.#give([this.#withheld]);
    this.#withheld = noOctets;
  }

  #askNext(): void {
    if (this.#due.length > 0 || this.#hasUpstreamEnded) return;
    const next = this.#unsent.shift();
    if (next === undefined) return;
    this.#due.push(next);
    this.#frame = newFrame(next);
    this.#effects.push({ kind: 'ask', line: `${next}\r\n` });
  }

  #cutUpstream(): void {
    this.#effects.push({ kind: 'cutUpstream' });
    this.#isLost = false;
    this.#withheld = noOctets;
    this.#answers.takeArriving();
    this.#endUpstream();
  }

  #endUpstream(): void {
    if (this.#hasUpstreamEnded) return;
    this.#hasUpstreamEnded = true;
    this.#unsent = [];
    this.#releaseWithheld();
    const [arriving, ...others] = this.#due;
    for (const command of others) this.#abandon(command);
    const isPartial = this.#answers.isArriving && arriving !== undefined;
    if (!isPartial && arriving !== undefined) this.#abandon(arriving);
    this.#due = isPartial ? [arriving] : [];
    // What was asked behind an answer that never comes gets none either.
    const missing = this.#asked.findIndex((command) => !this.#answers.has(command) && !this.#due.includes(command));
    if (missing !== -1) {
      this.#asked = this.#asked.slice(0, missing);
      this.#isLeaving = true;
      this.#dropUnasked();
    }
    if (this.#isLeaving || this.#isExpired) this.#dropRest('broken');
    this.#serve();
  }

  #abandon(command: ReadAheadCommand): void {
    if (!this.#dropped.delete(command)) this.#settle('broken');
  }

  /** Forgets what is due and nobody asked for, where it will not arrive. */
  #dropRest(outcome: ReadAheadOutcome): void {
    for (const command of this.#due) this.#drop(command, outcome);
    this.#due = this.#due.filter((command) => this.#asked.includes(command));
  }

  /** Whether other replies follow the one that is due. Where not, all that comes belongs to its command, whatever it is. */
  get #isMoreDue(): boolean {
    return this.#due.length > 1 || this.#dropped.size > 0 || this.#asked.length > 1;
  }

  get #isAllAsked(): boolean {
    return (
      this.#due.length === this.#asked.length && this.#due.every((command, index) => command === this.#asked[index])
    );
  }

  #finishStep(): readonly ReadAheadEffect[] {
    const isOver = this.#isLeaving || (this.#answers.commands.length === 0 && this.#unsent.length === 0);
    const isCutShort = this.#hasUpstreamEnded && this.#asked.length > 0;
    if ((isOver || isCutShort) && this.#isAllAsked && !this.#hasLeft) {
      this.#hasLeft = true;
      this.#dropUnasked();
      this.#releaseWithheld();
      for (const _ of this.#asked) this.#settle(this.#hasUpstreamEnded ? 'broken' : 'used');
      const fromClient = concatenate(this.#held, this.#line);
      this.#effects.push({ kind: 'leave', fromClient, fromUpstream: this.#tail });
    }
    return this.#takeEffects();
  }

  #settle(outcome: ReadAheadOutcome): void {
    this.#effects.push({ kind: 'settled', outcome });
  }

  #takeEffects(): readonly ReadAheadEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}

function newFrame(command: ReadAheadCommand | undefined): ReplyFrame {
  return new ReplyFrame({ isMultiline: command !== 'STAT' });
}

function concatenate(head: Uint8Array, tail: Uint8Array): Uint8Array {
  if (head.length === 0) return tail;
  if (tail.length === 0) return head;
  const whole = new Uint8Array(head.length + tail.length);
  whole.set(head);
  whole.set(tail, head.length);
  return whole;
}

function latin1(octets: Uint8Array): string {
  return String.fromCharCode(...octets);
}
