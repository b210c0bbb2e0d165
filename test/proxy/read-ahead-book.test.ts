import { describe, expect, it } from 'vitest';
import { ReadAheadBook } from '../../src/proxy/read-ahead-book.ts';
import { corp } from './session-under-test.ts';

const wanting = { ...corp, readAhead: true };

describe('ReadAheadBook', () => {
  it('wants read-ahead where an upstream is configured so, and nowhere else', () => {
    const book = new ReadAheadBook(() => 0);
    expect(book.isWanted(wanting)).toBe(true);
    expect(book.isWanted(corp)).toBe(false);
    expect(book.isWanted({ ...corp, readAhead: false })).toBe(false);
  });

  it('leaves an upstream alone for ten minutes, and others not', () => {
    let nowMs = 5_000;
    const book = new ReadAheadBook(() => nowMs);
    book.pause(wanting);
    expect(book.isWanted(wanting)).toBe(false);
    expect(book.isWanted({ ...wanting })).toBe(true);
    nowMs += 599_999;
    expect(book.isWanted(wanting)).toBe(false);
    nowMs += 1;
    expect(book.isWanted(wanting)).toBe(true);
  });

  it('counts by name', () => {
    const book = new ReadAheadBook(() => 0);
    book.count(wanting, 'used');
    book.count({ ...wanting }, 'used');
    book.count(wanting, 'broken');
    const counts = { used: 2, unused: 0, refused: 0, too_large: 0, broken: 1 };
    expect([...book.list()]).toEqual([['corp', counts]]);
  });
});
