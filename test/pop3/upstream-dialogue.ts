import { LineReader } from '../../src/pop3/line-reader.ts';
import {
  beginUpstreamLogin,
  maxUpstreamLineOctets,
  stepUpstreamLogin,
  type UpstreamDialogue,
  type UpstreamLoginEffect,
  type UpstreamLoginEvent,
  type UpstreamLoginState,
} from '../../src/pop3/upstream-login.ts';
import { octetString, octets } from './octets.ts';

/** What the dialogues log in with. */
export const credentials = { username: 'alice@corp.test', password: ' s \xe9cret ' };
/** The same as a PLAIN message in Base64. */
export const plain = Buffer.from('\0alice@corp.test\0 s \xe9cret ', 'latin1').toString('base64');
/** Dialogues, and what may be known before them. */
export const implicit: UpstreamDialogue = { tls: 'implicit', credentials };
export const starttls: UpstreamDialogue = { tls: 'starttls', credentials };
export const knowsPlain = { knownCapabilities: { offersStls: false, offersSaslPlain: true } };
export const knowsNothing = { knownCapabilities: { offersStls: false, offersSaslPlain: false } };

/** A CAPA response. */
export const capa = (...lines: string[]) => ['+OK List follows', ...lines, '.'];
export const greeting = '+OK ready';

/** What came of a dialogue with a server. */
export interface PlayedUpstream {
  /** What was sent, without endings, and other effects in angle brackets. */
  readonly transcript: readonly string[];
  readonly effects: readonly UpstreamLoginEffect[];
  /** Each line sent, and whether the server was verified at that moment. */
  readonly sent: readonly { readonly lines: string; readonly isVerified: boolean }[];
  readonly stage: UpstreamLoginState['stage']['name'];
  /** Octets of the server not taken as replies. */
  readonly rest: string;
}

/** Plays a server's octets, in chunks: `legs` before and after the handshake, which always succeeds when it is begun. */
export function playUpstream(dialogue: UpstreamDialogue, legs: readonly (readonly Uint8Array[])[]): PlayedUpstream {
  const effects: UpstreamLoginEffect[] = [];
  const sent: { lines: string; isVerified: boolean }[] = [];
  let reader = new LineReader();
  let state = beginUpstreamLogin(dialogue);
  let isVerified = dialogue.tls === 'implicit';

  function take(event: UpstreamLoginEvent): void {
    const next = stepUpstreamLogin(state, event);
    state = next.state;
    effects.push(...next.effects);
    for (const effect of next.effects) {
      if (effect.kind === 'send') sent.push({ lines: effect.lines, isVerified });
    }
  }

  for (const [index, leg] of legs.entries()) {
    if (index > 0) {
      if (state.stage.name !== 'upgrading') break;
      reader = new LineReader();
      isVerified = true;
      take({ kind: 'tlsVerified' });
    }
    for (const chunk of leg) {
      reader.push(chunk);
      while (state.stage.name.startsWith('awaiting')) {
        const read = reader.next(maxUpstreamLineOctets);
        if (read.kind === 'incomplete') break;
        if (read.kind === 'tooLong') take({ kind: 'lineTooLong' });
        else take({ kind: 'line', text: read.text, isFollowed: reader.bufferedOctets > 0 });
      }
    }
  }
  const rest = octetString(reader.takeRest());
  return { transcript: effects.flatMap(transcribeUpstream), effects, sent, stage: state.stage.name, rest };
}

/** Plays a server's lines, each leg in one chunk. */
export function playServer(dialogue: UpstreamDialogue, ...legs: readonly (readonly string[])[]): PlayedUpstream {
  return playUpstream(
    dialogue,
    legs.map((lines) => [octets(lines.map((line) => `${line}\r\n`).join(''))]),
  );
}

function transcribeUpstream(effect: UpstreamLoginEffect): readonly string[] {
  switch (effect.kind) {
    case 'send': {
      const lines = effect.lines.split('\r\n');
      if (lines.pop() !== '')
        throw new Error(`Cannot send ${JSON.stringify(effect.lines)}: its last line has no ending`);
      return lines;
    }
    case 'capabilitiesLearnt': {
      const { offersStls, offersSaslPlain } = effect.capabilities;
      return [`<learnt${offersStls ? ' STLS' : ''}${offersSaslPlain ? ' PLAIN' : ''}>`];
    }
    case 'startTls':
    case 'ready':
      return [`<${effect.kind}>`];
    case 'xclientNotTaken':
      return [`<no XCLIENT: ${effect.detail}>`];
    case 'accepted':
    case 'refused':
      return [`<${effect.kind} ${effect.reply.text}>`];
    case 'failed':
      return [`<failed ${effect.reason}: ${effect.detail}>`];
    default:
      return effect satisfies never;
  }
}
