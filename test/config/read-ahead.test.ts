import { describe, expect, it } from 'vitest';
import { configOf, oneListener, problemsOf } from './parsing.ts';

const corp = (keys: string): string => `${oneListener}upstreams: [{name: corp, host: mail.test${keys}}]`;

describe('readAhead', () => {
  it('is off where nothing is said', () => {
    expect(configOf(corp('')).upstreams[0]).not.toHaveProperty('readAhead');
  });

  it.each([true, false])('may be %s', (value) => {
    expect(configOf(corp(`, readAhead: ${value}`)).upstreams[0]?.readAhead).toBe(value);
  });

  it('may not be a command', () => {
    expect(problemsOf(corp(', readAhead: STAT'))).toEqual([expect.stringMatching(/ upstreams\[0\]\.readAhead: /)]);
  });
});
