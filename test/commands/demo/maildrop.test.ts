import { array, assert, constantFrom, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Maildrop, stuffDots, topOfMessage } from '../../../src/commands/demo/maildrop.ts';

const octets = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const text = (given: Uint8Array): string => Buffer.from(given).toString('latin1');

describe('stuffDots', () => {
  it.each([
    ['no line that begins with a dot', 'a.b\r\n', 'a.b\r\n'],
    ['a dot at the start', '.a\r\n', '..a\r\n'],
    ['lines that are dots alone', '.\r\n.\r\n', '..\r\n..\r\n'],
    ['two dots', 'a\r\n..b\r\n', 'a\r\n...b\r\n'],
    ['8-bit octets', '\xff\r\n.\xe4\r\n', '\xff\r\n..\xe4\r\n'],
    ['nothing', '', ''],
  ])('doubles the first dot of a line: %s', (_name, message, stuffed) => {
    expect(text(stuffDots(octets(message)))).toBe(stuffed);
  });

  it('is undone by taking one dot from every line that begins with one', () => {
    const pieces = array(constantFrom('.', '..', 'a', '\r\n', '\r', '\n', '\r\n.'));
    assert(
      property(pieces, (parts) => {
        const message = parts.join('');
        const lines = text(stuffDots(octets(message))).split('\r\n');
        expect(lines).not.toContain('.');
        expect(lines.map((line) => (line.startsWith('.') ? line.slice(1) : line)).join('\r\n')).toBe(message);
      }),
    );
  });
});

describe('topOfMessage', () => {
  const message = octets('A: 1\r\nB: 2\r\n\r\none\r\n\r\nthree\r\n');

  it.each([
    [0, 'A: 1\r\nB: 2\r\n\r\n'],
    [1, 'A: 1\r\nB: 2\r\n\r\none\r\n'],
    [2, 'A: 1\r\nB: 2\r\n\r\none\r\n\r\n'],
    [99, 'A: 1\r\nB: 2\r\n\r\none\r\n\r\nthree\r\n'],
  ])('gives the header and %i lines', (lines, top) => {
    expect(text(topOfMessage(message, lines))).toBe(top);
  });

  it('gives the whole message where there is no body', () => {
    expect(text(topOfMessage(octets('A: 1\r\n'), 3))).toBe('A: 1\r\n');
  });
});

describe('Maildrop', () => {
  it('ends a message that does not end in CRLF', () => {
    const drop = new Maildrop([octets('a'), octets('b\r\n'), octets('')]).open();
    expect(drop.list().map(([, message]) => text(message.octets))).toEqual(['a\r\n', 'b\r\n', '\r\n']);
  });

  it('keeps deleted messages for others until the session commits, and numbers within a session', () => {
    const maildrop = new Maildrop([octets('a'), octets('b'), octets('c')]);
    const [first, second] = [maildrop.open(), maildrop.open()];
    const message = first.get(1);
    if (message === undefined) throw new Error('unreachable');
    first.delete(message);
    expect(first.get(1)).toBeUndefined();
    expect(first.list().map(([number]) => number)).toEqual([2, 3]);
    expect(maildrop.open().list()).toHaveLength(3);
    first.commit();
    expect(second.list()).toHaveLength(3);
    expect(
      maildrop
        .open()
        .list()
        .map(([number, { uniqueId }]) => [number, uniqueId]),
    ).toEqual([
      [1, 'sandbox-00002'],
      [2, 'sandbox-00003'],
    ]);
  });
});
