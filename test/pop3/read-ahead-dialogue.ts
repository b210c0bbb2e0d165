import { ReadAhead } from '../../src/pop3/read-ahead.ts';
import {
  type ReadAheadCommand,
  type ReadAheadEffect,
  type ReadAheadOutcome,
  type ReadAheadStart,
  readAheadCommands,
  readAheadLines,
} from '../../src/pop3/read-ahead-terms.ts';
import { octetString, octets as toOctets } from './octets.ts';

/** A server's answers to what may be read ahead, whole replies; what else it does is always the same. */
export interface ServerScript {
  readonly replies: Readonly<Record<ReadAheadCommand, string>>;
  /** At the first such command it sends so many octets of the reply, and closes. */
  readonly cut?: { readonly verb: string; readonly octets: number };
}

/** A server that answers each line in turn, and whose answers change once something was deleted. */
export class ScriptedServer {
  readonly lines: string[] = [];
  readonly #script: ServerScript;
  #pending = '';
  #changes = 0;
  #out = '';
  #hasEnded = false;

  constructor(script: ServerScript) {
    this.#script = script;
  }

  /** Sent and not yet taken. */
  get waiting(): number {
    return this.#out.length;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  push(octets: string): void {
    const lines = (this.#pending + octets).split('\r\n');
    this.#pending = lines.pop() ?? '';
    for (const line of lines) this.#answer(line);
  }

  /** The client's side has closed. */
  end(): void {
    this.#hasEnded = true;
  }

  take(count: number): string {
    const octets = this.#out.slice(0, count);
    this.#out = this.#out.slice(count);
    return octets;
  }

  #answer(line: string): void {
    if (this.#hasEnded) return;
    this.lines.push(line);
    const { cut } = this.#script;
    const reply = this.#replyTo(line);
    if (cut?.verb === line.toUpperCase()) {
      this.#out += reply.slice(0, cut.octets);
      this.#hasEnded = true;
    } else {
      this.#out += reply;
      if (line === 'QUIT') this.#hasEnded = true;
    }
  }

  #replyTo(line: string): string {
    const command = readAheadCommands.find((verb) => verb === line.toUpperCase());
    if (command !== undefined && this.#changes === 0) return this.#script.replies[command];
    if (line.startsWith('DELE') || line === 'RSET') this.#changes += 1;
    if (line.startsWith('RETR')) return `+OK ${line}\r\n..stuffed\r\n+OK in a mail\r\n.\r\n`;
    return `+OK "${line}" behind ${this.#changes} changes\r\n`;
  }
}

/** What a client gets that is connected to the server itself. */
export function speakDirectly(script: ServerScript, sent: string): string {
  const server = new ScriptedServer(script);
  server.push(sent);
  return server.take(server.waiting);
}

/** One dialogue: whose turn it is, and how much is delivered, comes from outside. */
export class Dialogue {
  readonly server: ScriptedServer;
  readonly outcomes: ReadAheadOutcome[] = [];
  received = '';
  taken = '';
  hasLeft = false;
  isCut = false;
  readonly #start: ReadAheadStart;
  readonly #readAhead: ReadAhead;
  #hasToldEnd = false;

  /** `early`: what the client has sent, and how much of the answers has come, as it begins. */
  constructor(
    script: ServerScript,
    {
      start,
      maxOctets = 1000,
      early = { sent: '', count: 0 },
    }: { start: ReadAheadStart; maxOctets?: number; early?: { readonly sent: string; readonly count: number } },
  ) {
    this.#start = start;
    this.server = new ScriptedServer(script);
    this.#readAhead = new ReadAhead({ start, maxOctets });
    if (start === 'sent') this.server.push(readAheadLines);
    const fromUpstream = toOctets(this.server.take(early.count));
    this.#perform(this.#readAhead.begin({ fromClient: toOctets(early.sent), fromUpstream }));
  }

  client(octets: string): void {
    if (this.hasLeft) this.server.push(octets);
    else this.#perform(this.#readAhead.fromClient(toOctets(octets)));
  }

  clientEnds(): void {
    if (!this.hasLeft) this.#perform(this.#readAhead.clientEnded());
  }

  clientCloses(): void {
    if (!this.hasLeft) this.#perform(this.#readAhead.clientClosed());
  }

  expire(): void {
    if (!this.hasLeft) this.#perform(this.#readAhead.expire());
  }

  get heldOctets(): number {
    return this.#readAhead.heldOctets;
  }

  get isAwaited(): boolean {
    return this.#readAhead.isAwaited;
  }

  /** Delivers so many octets of the server's, or its end; false: there is nothing that can be delivered. */
  deliver(count = Number.POSITIVE_INFINITY): boolean {
    if (!this.hasLeft && !this.#readAhead.isUpstreamWanted) return false;
    if (this.server.waiting > 0) {
      this.#receive(this.server.take(count));
      return true;
    }
    if (!this.server.hasEnded || this.#hasToldEnd) return false;
    this.#hasToldEnd = true;
    if (!this.hasLeft) this.#perform(this.#readAhead.upstreamEnded());
    return true;
  }

  #receive(octets: string): void {
    if (this.isCut) return;
    if (this.hasLeft) this.received += octets;
    else this.#perform(this.#readAhead.fromUpstream(toOctets(octets)));
  }

  #perform(effects: readonly ReadAheadEffect[]): void {
    for (const effect of effects) {
      if (this.hasLeft) throw new Error(`Cannot ${effect.kind}: it has left`);
      switch (effect.kind) {
        case 'toClient':
          this.received += octetString(effect.octets);
          break;
        case 'toUpstream':
          if (this.#start === 'stepwise') throw new Error('Cannot pass a command on: an answer is due');
          this.server.push(octetString(effect.octets));
          break;
        case 'ask':
          if (this.#start === 'stepwise' && this.server.waiting > 0) throw new Error('Cannot ask: an answer is due');
          this.server.push(effect.line);
          break;
        case 'taken':
          this.taken += octetString(effect.octets);
          break;
        case 'settled':
          this.outcomes.push(effect.outcome);
          break;
        case 'cutUpstream':
          this.isCut = true;
          break;
        case 'leave':
          this.hasLeft = true;
          this.received += octetString(effect.fromUpstream);
          this.server.push(octetString(effect.fromClient));
          break;
        default:
          effect satisfies never;
      }
    }
  }
}
