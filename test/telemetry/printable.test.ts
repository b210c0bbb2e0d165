import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable, printableJson } from '../../src/telemetry/printable.ts';

describe('printable', () => {
  it('leaves ordinary text as it is', () => {
    expect(printable('Jürgen+a\\b@example.com', 50)).toBe('Jürgen+a\\b@example.com');
  });

  it.each([
    ['a terminal sequence', 'a\u001b[2Jb', 'a\\u{1b}[2Jb'],
    ['a line break', 'a\r\nb', 'a\\u{d}\\u{a}b'],
    ['a C1 control', 'a\u009bb', 'a\\u{9b}b'],
    ['a direction override', 'a\u202eb', 'a\\u{202e}b'],
    ['a line separator', 'a\u2028b', 'a\\u{2028}b'],
    ['a lone surrogate', 'a\ud800b', 'a\\u{d800}b'],
  ])('escapes %s', (_, text, expected) => {
    expect(printable(text, 50)).toBe(expected);
  });

  it('cuts text that is longer than permitted', () => {
    expect(printable('abcdef', 3)).toBe('abc…');
    expect(printable('abc', 3)).toBe('abc');
  });

  it('leaves no control character in any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printable(text, 40)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

describe('printableJson', () => {
  const hostile = { subject: 'a\u001b[2J\u009b2J\u202eb\u2028\u{e0041}\n' };

  it('reads as the same value, and drives no terminal', () => {
    const text = printableJson(hostile);
    expect(JSON.parse(text)).toEqual(hostile);
    expect(text).toContain('\\u009b2J\\u202eb\\u2028\\udb40\\udc41\\n');
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  });

  it('keeps every value', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(JSON.parse(printableJson(text))).toBe(text);
      }),
    );
  });
});
