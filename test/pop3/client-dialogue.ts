import { greet, isAwaitingLine, maxLineOctets, step } from '../../src/pop3/authorization.ts';
import type {
  AuthorizationContext,
  AuthorizationEffect,
  AuthorizationEvent,
  AuthorizationState,
  ClientCredentials,
} from '../../src/pop3/authorization-state.ts';
import { LineReader } from '../../src/pop3/line-reader.ts';
import { octetString, octets } from './octets.ts';

/** How a login ends. */
export type LoginAnswer = Extract<AuthorizationEvent, { kind: 'loginAccepted' | 'loginRefused' }>;

/** A client's side of a session, and the upstream's answers to its logins. */
export interface ClientDialogue {
  readonly context: AuthorizationContext;
  /** TLS from the first octet. */
  readonly isEncrypted?: boolean;
  /** What the client sends, in chunks; what stands second is sent under TLS, if the first leads there. */
  readonly legs: readonly (readonly Uint8Array[])[];
  /** In order; further logins are refused. */
  readonly answers?: readonly LoginAnswer[];
  /** Logins are answered once all octets of a leg are there, not at once. */
  readonly isAnsweredLate?: boolean;
}

/** What came of it. */
export interface PlayedDialogue {
  /** Replies without their endings, and other effects in angle brackets. */
  readonly transcript: readonly string[];
  /** The logins asked for, and whether the client's octets were encrypted at that moment. */
  readonly logins: readonly { readonly credentials: ClientCredentials; readonly isEncrypted: boolean }[];
  readonly stage: AuthorizationState['stage']['name'];
  /** Octets not taken as commands. */
  readonly rest: string;
}

export const accepted: LoginAnswer = { kind: 'loginAccepted', text: 'Welcome' };
export const refused: LoginAnswer = { kind: 'loginRefused', text: '[AUTH] Wrong', isCredentialRefusal: true };
export const putOff: LoginAnswer = { kind: 'loginRefused', text: '[SYS/TEMP] Later', isCredentialRefusal: false };

/** Contexts that listeners make. */
export const contexts = {
  trusted: { offersStls: true, isPlaintextLoginPermitted: true },
  untrusted: { offersStls: true, isPlaintextLoginPermitted: false },
  withoutTls: { offersStls: false, isPlaintextLoginPermitted: true },
  implicit: { offersStls: false, isPlaintextLoginPermitted: false },
} as const satisfies Record<string, AuthorizationContext>;

/** Plays a dialogue through reader and state machine, as whoever holds the socket does. */
export function play(dialogue: ClientDialogue): PlayedDialogue {
  return new PlayedSession(dialogue).play();
}

/** Plays what a client sends, each leg in one chunk. */
export function playWhole(dialogue: Omit<ClientDialogue, 'legs'>, ...legs: readonly string[]): PlayedDialogue {
  return play({ ...dialogue, legs: legs.map((leg) => [octets(leg)]) });
}

class PlayedSession {
  readonly #dialogue: ClientDialogue;
  readonly #transcript: string[] = [];
  readonly #logins: { credentials: ClientCredentials; isEncrypted: boolean }[] = [];
  readonly #answers: LoginAnswer[];
  #reader = new LineReader();
  #state: AuthorizationState;

  constructor(dialogue: ClientDialogue) {
    this.#dialogue = dialogue;
    this.#answers = [...(dialogue.answers ?? [])];
    const { state, effects } = greet(dialogue.context, dialogue.isEncrypted ?? false);
    this.#state = state;
    this.#record(effects);
  }

  play(): PlayedDialogue {
    for (const [index, leg] of this.#dialogue.legs.entries()) {
      if (index > 0) {
        if (this.#state.stage.name !== 'upgrading') break;
        this.#reader = new LineReader();
        this.#step({ kind: 'tlsEstablished' });
      }
      this.#playLeg(leg);
    }
    return {
      transcript: this.#transcript,
      logins: this.#logins,
      stage: this.#state.stage.name,
      rest: octetString(this.#reader.takeRest()),
    };
  }

  #playLeg(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) {
      this.#reader.push(chunk);
      this.#readLines();
    }
    while (this.#state.stage.name === 'authenticating') {
      this.#answer();
      this.#readLines();
    }
  }

  #readLines(): void {
    while (isAwaitingLine(this.#state)) {
      const read = this.#reader.next(maxLineOctets(this.#state, this.#reader.startsWith('AUTH ')));
      if (read.kind === 'incomplete') return;
      if (read.kind === 'tooLong') this.#step({ kind: 'lineTooLong' });
      else this.#step({ kind: 'line', text: read.text, isFollowed: this.#reader.bufferedOctets > 0 });
      if (this.#state.stage.name === 'authenticating' && !this.#dialogue.isAnsweredLate) this.#answer();
    }
  }

  #answer(): void {
    this.#step(this.#answers.shift() ?? refused);
  }

  #step(event: AuthorizationEvent): void {
    const isEncrypted = this.#state.isEncrypted;
    const { state, effects } = step(this.#state, event);
    this.#state = state;
    for (const effect of effects) {
      if (effect.kind === 'logIn') this.#logins.push({ credentials: effect.credentials, isEncrypted });
    }
    this.#record(effects);
  }

  #record(effects: readonly AuthorizationEffect[]): void {
    this.#transcript.push(...effects.flatMap(transcribe));
  }
}

/** An effect as lines to compare and read. */
export function transcribe(effect: AuthorizationEffect): readonly string[] {
  switch (effect.kind) {
    case 'reply': {
      const lines = effect.lines.split('\r\n');
      if (lines.pop() !== '')
        throw new Error(`Cannot send ${JSON.stringify(effect.lines)}: its last line has no ending`);
      return lines;
    }
    case 'startTls':
      return ['<startTls>'];
    case 'logIn':
      return [`<logIn ${JSON.stringify([effect.credentials.username, effect.credentials.password])}>`];
    case 'close':
      return [`<close ${effect.reason}>`];
    default:
      return effect satisfies never;
  }
}
