import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LineReader } from '../../src/pop3/line-reader.ts';
import { chunksOf, cuts, octetString, octets, octetText } from './octets.ts';

const maxOctets = 16;

function readerOf(...texts: string[]): LineReader {
  const reader = new LineReader();
  for (const text of texts) reader.push(octets(text));
  return reader;
}

/** All that a reader makes of the chunks, reading after each of them. */
function readAll(chunks: readonly Uint8Array[]): readonly string[] {
  const reader = new LineReader();
  const found: string[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let read = reader.next(maxOctets); read.kind !== 'incomplete'; read = reader.next(maxOctets)) {
      if (read.kind === 'tooLong') return [...found, '<too long>'];
      found.push(read.text);
    }
  }
  return [...found, `<rest> ${octetString(reader.takeRest())}`];
}

/** What it should be, seen from the whole text. */
function expectedOf(text: string): readonly string[] {
  const found: string[] = [];
  const parts = text.split('\n');
  const rest = parts.pop() ?? '';
  for (const part of parts) {
    if (part.length + 1 > maxOctets) return [...found, '<too long>'];
    found.push(part.endsWith('\r') ? part.slice(0, -1) : part);
  }
  return rest.length >= maxOctets ? [...found, '<too long>'] : [...found, `<rest> ${rest}`];
}

describe('LineReader.next', () => {
  test.each<[string, string, readonly string[]]>([
    ['a line', 'CAPA\r\n', ['CAPA', '<rest> ']],
    ['a line that ends in a bare LF', 'CAPA\n', ['CAPA', '<rest> ']],
    ['an empty line', '\r\n', ['', '<rest> ']],
    ['an empty line of a bare LF', '\n', ['', '<rest> ']],
    ['several lines', 'USER a\r\nPASS b\nQUIT\r\n', ['USER a', 'PASS b', 'QUIT', '<rest> ']],
    ['octets behind the last line', 'CAPA\r\nQUI', ['CAPA', '<rest> QUI']],
    ['a CR that no LF follows yet', 'CAPA\r\nQUIT\r', ['CAPA', '<rest> QUIT\r']],
    ['a CR within a line', 'CA\rPA\r\n', ['CA\rPA', '<rest> ']],
    ['two CR before the LF', 'CAPA\r\r\n', ['CAPA\r', '<rest> ']],
    ['NUL and octets above ASCII', '\0\x80\xa0\xff\r\n', ['\0\x80\xa0\xff', '<rest> ']],
    ['nothing', '', ['<rest> ']],
    ['a line of exactly the limit', `${'a'.repeat(14)}\r\n`, ['a'.repeat(14), '<rest> ']],
    ['a line of exactly the limit with a bare LF', `${'a'.repeat(15)}\n`, ['a'.repeat(15), '<rest> ']],
    ['a line one octet above the limit', `${'a'.repeat(15)}\r\n`, ['<too long>']],
    ['a line one octet above the limit with a bare LF', `${'a'.repeat(16)}\n`, ['<too long>']],
    ['one octet less than the limit without an ending', 'a'.repeat(15), [`<rest> ${'a'.repeat(15)}`]],
    ['as many octets as the limit without an ending', 'a'.repeat(16), ['<too long>']],
    ['a line too long behind a good one', `CAPA\r\n${'a'.repeat(40)}\r\n`, ['CAPA', '<too long>']],
  ])('reads %s the same whole and split at every octet', (_, text, expected) => {
    expect(readAll([octets(text)])).toEqual(expected);
    for (const chunks of cuts(text)) expect(readAll(chunks)).toEqual(expected);
  });

  test('finds what a search of the whole text finds, however it is cut', () => {
    const line = fc.string({ unit: fc.constantFrom('a', 'B', ' ', '\r', '\0', '\xff'), maxLength: 18 });
    const text = fc.oneof(
      fc
        .array(fc.tuple(line, fc.constantFrom('\r\n', '\n', '')), { maxLength: 6 })
        .map((lines) => lines.flat().join('')),
      octetText({ maxLength: 80 }),
    );
    fc.assert(
      fc.property(chunksOf(text), (chunks) => {
        expect(readAll(chunks)).toEqual(expectedOf(chunks.map(octetString).join('')));
      }),
      { numRuns: 1_000 },
    );
  });

  test('leaves a line too long in place, for a caller that permits more', () => {
    const reader = readerOf('AUTH PLAIN AAAA\r\n');
    expect(reader.next(16)).toEqual({ kind: 'tooLong' });
    expect(reader.next(17)).toEqual({ kind: 'line', text: 'AUTH PLAIN AAAA' });
  });

  test('finds an ending that arrives after the octets before it were searched', () => {
    const reader = readerOf('CAPA\r');
    expect(reader.next(maxOctets)).toEqual({ kind: 'incomplete' });
    reader.push(octets('\nQUIT\r\n'));
    expect(reader.next(maxOctets)).toEqual({ kind: 'line', text: 'CAPA' });
    expect(reader.next(maxOctets)).toEqual({ kind: 'line', text: 'QUIT' });
  });

  test('does not change the chunks it was given', () => {
    const chunk = octets('CAPA\r\nQU');
    const reader = new LineReader();
    reader.push(chunk);
    reader.next(maxOctets);
    reader.push(octets('IT\r\n'));
    expect(reader.next(maxOctets)).toEqual({ kind: 'line', text: 'QUIT' });
    expect(octetString(chunk)).toBe('CAPA\r\nQU');
  });
});

describe('LineReader.takeRest', () => {
  test('gives the octets behind the last line as they came', () => {
    const reader = readerOf('PASS b\r\nSTAT\r', '\n\0\xff\n');
    reader.next(maxOctets);
    expect(octetString(reader.takeRest())).toBe('STAT\r\n\0\xff\n');
  });

  test('leaves nothing behind, and a reader that goes on', () => {
    const reader = readerOf('half a li');
    reader.next(maxOctets);
    reader.takeRest();
    expect(reader.bufferedOctets).toBe(0);
    expect(octetString(reader.takeRest())).toBe('');
    reader.push(octets('a\nb'));
    expect(reader.next(maxOctets)).toEqual({ kind: 'line', text: 'a' });
    expect(octetString(reader.takeRest())).toBe('b');
  });
});

describe('LineReader.bufferedOctets', () => {
  test('counts what was pushed and not yet taken', () => {
    const reader = readerOf('CAPA\r\n', 'QU');
    expect(reader.bufferedOctets).toBe(8);
    reader.next(maxOctets);
    expect(reader.bufferedOctets).toBe(2);
  });
});

describe('LineReader.startsWith', () => {
  test.each([
    ['AUTH PLAIN', true],
    ['auth ', true],
    ['aUtH x\r\n', true],
    ['AUTH\r\n', false],
    ['AUT', false],
    ['XAUTH ', false],
    ['', false],
  ])('of %j and "AUTH " is %j', (text, expected) => {
    expect(readerOf(text).startsWith('AUTH ')).toBe(expected);
  });

  test('looks at the line that comes next', () => {
    const reader = readerOf('CAPA\r\nAU', 'TH PLAIN\r\n');
    expect(reader.startsWith('AUTH ')).toBe(false);
    reader.next(maxOctets);
    expect(reader.startsWith('AUTH ')).toBe(true);
  });
});
