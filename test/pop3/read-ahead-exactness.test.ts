import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAheadCommands } from '../../src/pop3/read-ahead-terms.ts';
import { Dialogue, type ServerScript, speakDirectly } from './read-ahead-dialogue.ts';

const runs = { numRuns: 1_500 };

const octetText = (alphabet: string) =>
  fc.array(fc.constantFrom(...alphabet), { maxLength: 30 }).map((characters) => characters.join(''));
const line = octetText('12 .ab\xe9\0\r').map((text) => text.replace(/\r+$/, '').replace(/^\.+$/, '..'));
const refusal = octetText('no [SY/TEMP]+OK').map((text) => `-ERR ${text}\r\n`);
const statusLine = octetText('12 .a').map((text) => `+OK ${text}\r\n`);
const list = fc
  .tuple(statusLine, fc.array(line, { maxLength: 12 }))
  .map(([status, lines]) => `${status}${lines.map((text) => `${text}\r\n`).join('')}.\r\n`);
const reply = { STAT: fc.oneof(statusLine, refusal), list: fc.oneof({ weight: 4, arbitrary: list }, refusal) };
const replies = fc.record({ STAT: reply.STAT, UIDL: reply.list, LIST: reply.list, CAPA: reply.list });

const other = ['RETR 1', 'DELE 1', 'RSET', 'NOOP', 'LIST 1', 'STAT ', 'stat', 'Uidl', '', 'XYZ', 'LIST\rX'];
const commands = fc.array(
  fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...readAheadCommands) }, fc.constantFrom(...other)),
  {
    maxLength: 8,
  },
);
const start = fc.constantFrom('sent', 'pipelined', 'stepwise');
/** Who moves next, and how much: of the client's octets or the server's. */
const moves = fc.array(fc.record({ isClient: fc.boolean(), count: fc.integer({ min: 1, max: 40 }) }), {
  maxLength: 60,
});
const maxOctets = fc.constantFrom(0, 10, 60, 1_000_000);

interface Play {
  readonly script: ServerScript;
  readonly start: 'sent' | 'pipelined' | 'stepwise';
  readonly maxOctets: number;
  readonly sent: string;
  /** How much of either side's octets is there as it begins; of the server's only where it was asked with the login. */
  readonly early: { readonly ofClient: number; readonly ofServer: number };
  readonly moves: readonly { readonly isClient: boolean; readonly count: number }[];
  readonly end: 'stays' | 'ends' | 'expires';
  /** The server's octets arrive as they were sent: what follows a reply comes with it. */
  readonly isWhole?: true;
}

/** Plays the moves, then all that is left; the client's octets never wait for the server's. */
function play({ script, sent, early, moves, end, isWhole, ...options }: Play): Dialogue {
  let at = Math.min(early.ofClient, sent.length);
  const dialogue = new Dialogue(script, { ...options, early: { sent: sent.slice(0, at), count: early.ofServer } });
  for (const { isClient, count } of moves) {
    if (!isClient) {
      dialogue.deliver(isWhole ? undefined : count);
    } else if (at < sent.length) {
      dialogue.client(sent.slice(at, at + count));
      at += count;
    }
  }
  if (end === 'expires') dialogue.expire();
  if (at < sent.length) dialogue.client(sent.slice(at));
  if (end === 'ends') dialogue.clientEnds();
  while (dialogue.deliver(isWhole ? undefined : 7));
  return dialogue;
}

const end = fc.constantFrom('stays', 'ends', 'expires');
const early = fc.record({ ofClient: fc.nat({ max: 30 }), ofServer: fc.nat({ max: 200 }) });
const how = fc.record({ start, maxOctets, early, moves, end });
const toSent = (lines: readonly string[], rest: string): string => lines.map((text) => `${text}\r\n`).join('') + rest;
const rest = fc.constantFrom('', 'ST', 'QUIT\r\n', 'x', 'UIDL\r');

const noReplies = ['hello\r\n', '+OK\r\n1 one\r\n', '\r\n', '+OKAY\r\n', '+OK\r\n1 a\r\n+OK 5\r\n.\r\n'] as const;

describe('with read-ahead a client gets, octet for octet, what it gets without', () => {
  it('from any server that answers each command with a reply', () => {
    fc.assert(
      fc.property(replies, commands, rest, how, (answers, lines, more, how) => {
        const script = { replies: answers };
        const sent = toSent(lines, more);
        const dialogue = play({ script, sent, ...how });
        expect(dialogue.received).toBe(speakDirectly(script, sent));
        expect(dialogue.isCut).toBe(false);
      }),
      runs,
    );
  });

  it('and the server the same commands in the same order, but for those read ahead', () => {
    fc.assert(
      fc.property(replies, commands, how, (answers, lines, how) => {
        const dialogue = play({ script: { replies: answers }, sent: toSent(lines, ''), ...how });
        const isAhead = (text: string): boolean => readAheadCommands.some((verb) => verb === text.toUpperCase());
        expect(dialogue.server.lines.filter((text) => !isAhead(text))).toEqual(lines.filter((text) => !isAhead(text)));
        if (dialogue.hasLeft) expect(dialogue.outcomes.length).toBeLessThanOrEqual(readAheadCommands.length);
      }),
      runs,
    );
  });

  it('up to where a server breaks off, and all of it where the client had asked as much', () => {
    const cut = fc.record({ verb: fc.constantFrom(...readAheadCommands, 'RETR 1'), octets: fc.nat({ max: 40 }) });
    fc.assert(
      fc.property(replies, cut, commands, how, (answers, where, lines, how) => {
        const script = { replies: answers, cut: where };
        const sent = toSent(lines, '');
        const dialogue = play({ script, sent, ...how });
        const direct = speakDirectly(script, sent);
        expect(speakDirectly({ replies: answers }, sent).startsWith(dialogue.received)).toBe(true);
        // A refusal is asked for anew, and there is nobody left to ask.
        const isAskedInOrder = readAheadCommands.every(
          (verb, index) => lines[index] === verb && answers[verb][0] === '+',
        );
        if (isAskedInOrder && how.end === 'stays' && how.maxOctets > 1000) expect(dialogue.received).toBe(direct);
        if (how.end === 'ends' && how.maxOctets > 1000) expect(dialogue.hasLeft).toBe(true);
      }),
      runs,
    );
  });

  it('or less, and nothing else, from one that says what is no reply', () => {
    const garbage = fc.constantFrom(...noReplies);
    fc.assert(
      fc.property(
        fc.tuple(replies, garbage, fc.constantFrom(...readAheadCommands)),
        commands,
        how,
        ([answers, odd, verb], lines, how) => {
          const script = { replies: { ...answers, [verb]: odd } };
          const sent = toSent(lines, '');
          // What stands behind a whole reply tells on a server only where it comes with it.
          const isBehindReply = verb === 'STAT' && odd.startsWith('+OK\r\n1');
          const isWhole = how.start === 'stepwise' || isBehindReply;
          const { received } = play({ script, sent, ...how, ...(isWhole && { isWhole }) });
          const direct = speakDirectly(script, sent);
          if (!direct.startsWith(received)) expect(received).toBe(direct);
        },
      ),
      {
        ...runs,
        // A list without an end, and behind it the reply to a command that the client sent itself.
        examples: [
          [
            [
              { STAT: '+OK \r\n', UIDL: '+OK \r\n.\r\n', LIST: '-ERR \r\n', CAPA: '-ERR \r\n' },
              '+OK\r\n1 one\r\n',
              'CAPA',
            ],
            ['CAPA', 'STAT', 'LIST'],
            {
              start: 'sent',
              maxOctets: 1_000_000,
              early: { ofClient: 0, ofServer: 0 },
              moves: [{ isClient: false, count: 7 }],
              end: 'stays',
            },
          ],
        ],
      },
    );
  });
});
