import { describe, expect, it } from 'vitest';
import { didYouMean } from '../../src/config/suggestion.ts';

const candidates = ['address', 'name', 'plaintextFrom', 'tls'];

describe('didYouMean', () => {
  it.each([
    ['adress', 'address'],
    ['nmae', 'name'],
    ['plaintextfrom', 'plaintextFrom'],
    ['tsl', 'tls'],
    ['plainTextFor', 'plaintextFrom'],
    ['plaintext', undefined],
    ['certificate', undefined],
    ['x', undefined],
    ['', undefined],
  ])('answers %j with %j', (word, nearest) => {
    expect(didYouMean(word, candidates)).toBe(nearest === undefined ? '' : ` (did you mean "${nearest}"?)`);
  });

  it('takes the nearest', () => {
    expect(didYouMean('corpp', ['corpse', 'corp'])).toBe(' (did you mean "corp"?)');
  });
});
