import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CommandCounter } from '../../src/pop3/command-counter.ts';
import { type CommandCounts, countedCommands, noCommands } from '../../src/pop3/counted-command.ts';
import { chunksOf, cuts, octetString, octets, octetText } from './octets.ts';

function count(chunks: readonly Uint8Array[]): CommandCounts {
  const counts = noCommands();
  const counter = new CommandCounter(counts);
  for (const chunk of chunks) counter.count(chunk);
  return counts;
}

/** The slow way: a line's verb is the letters at its beginning, and counts once it is known to have ended. */
function countSlowly(text: string): CommandCounts {
  const counts = noCommands();
  for (const [line] of text.matchAll(/[^\n]+\n?/g)) {
    const [letters = ''] = /^[A-Za-z]*/.exec(line) ?? [];
    const hasEnded = letters.length > 4 || line.length > letters.length;
    if (!hasEnded || line.startsWith('\r')) continue;
    counts[countedCommands.find((verb) => verb === letters.toUpperCase()) ?? 'other'] += 1;
  }
  return counts;
}

describe('CommandCounter.count', () => {
  test.each<[string, string, Partial<CommandCounts>]>([
    [
      'each verb once',
      countedCommands.map((verb) => `${verb} 1\r\n`).join(''),
      Object.fromEntries(countedCommands.map((verb) => [verb, 1])),
    ],
    ['a session', 'STAT\r\nUIDL\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n', { STAT: 1, UIDL: 1, RETR: 1, DELE: 1, QUIT: 1 }],
    ['lines that end in a bare LF', 'LIST\nTOP 1 0\n', { LIST: 1, TOP: 1 }],
    ['verbs in any case', 'retr 1\r\nReTr 2\r\n', { RETR: 2 }],
    ['a verb as soon as a blank has ended it', 'RETR 1', { RETR: 1 }],
    ['no verb that may go on', 'STAT', {}],
    ['a verb that is longer than any known', 'RETRX 1\r\nSTATS\r\n', { other: 2 }],
    ['beginnings of verbs', 'RET 1\r\nTO\r\nT\r\n', { other: 3 }],
    ['a verb behind a blank', ' STAT\r\n', { other: 1 }],
    ['a verb as an argument', 'XTND STAT STAT\r\n', { other: 1 }],
    ['empty lines', '\r\n\n\r\nNOOP\r\n', { NOOP: 1 }],
    ['octets above ASCII that masking makes no letters of', '\xd3\xd4\xc1\xd4\r\n', { other: 1 }],
    ['a verb beside octets above ASCII', 'STAT\xa0\r\n', { STAT: 1 }],
    ['nothing', '', {}],
  ])('counts %s the same whole and split at every octet', (_, text, expected) => {
    const counts = { ...noCommands(), ...expected };
    expect(count([octets(text)])).toEqual(counts);
    for (const chunks of cuts(text)) expect(count(chunks)).toEqual(counts);
  });

  test('counts what the slow way counts, however the octets are cut', () => {
    const fragment = fc.oneof(
      fc.constantFrom(...countedCommands, 'retr', 'Top', 'ST', 'AT', '@', '[', '`', '{'),
      fc.constantFrom('\r\n', '\n', '\r', ' ', '1'),
    );
    const text = fc.oneof(
      fc.array(fragment, { maxLength: 30 }).map((fragments) => fragments.join('')),
      octetText({ maxLength: 60 }),
    );
    fc.assert(
      fc.property(chunksOf(text), (chunks) => {
        expect(count(chunks)).toEqual(countSlowly(chunks.map(octetString).join('')));
      }),
      { numRuns: 1_000 },
    );
  });

  test('adds to counts that other sessions share', () => {
    const counts = noCommands();
    const [one, other] = [new CommandCounter(counts), new CommandCounter(counts)];
    one.count(octets('STA'));
    other.count(octets('NOOP\r\nRE'));
    one.count(octets('T\r\n'));
    other.count(octets('TR 1\r\n'));
    expect(counts).toEqual({ ...noCommands(), STAT: 1, NOOP: 1, RETR: 1 });
  });

  test('keeps counts of one session beside those that sessions share', () => {
    const totals = noCommands();
    const [one, other] = [new CommandCounter(totals), new CommandCounter(totals)];
    one.count(octets('RETR 1\r\nDELE 1\r\n'));
    other.count(octets('RETR 2\r\n'));
    expect(one.counts).toEqual({ ...noCommands(), RETR: 1, DELE: 1 });
    expect(other.counts).toEqual({ ...noCommands(), RETR: 1 });
  });
});
