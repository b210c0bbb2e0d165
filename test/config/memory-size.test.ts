import { describe, expect, it } from 'vitest';
import { configOf, oneListener, problemsOf } from './parsing.ts';

describe('sessions.maxMemory', () => {
  it.each([
    ['64MB', { octets: 64_000_000 }],
    ['2GB', { octets: 2_000_000_000 }],
    ['10%', { share: 0.1 }],
    ['100%', { share: 1 }],
  ])('may be %s', (text, size) => {
    expect(configOf(`${oneListener}sessions: {maxMemory: ${text}}`).sessions.maxMemory).toEqual(size);
  });

  it.each(['63MB', '400', '9%', '101%', '1.5GB', '400 MB', '400MiB', '-1GB', '""'])('cannot be %s', (text) => {
    expect(problemsOf(`${oneListener}sessions: {maxMemory: ${text}}`)).toEqual([
      expect.stringMatching(/ sessions\.maxMemory: .*400MB or 2GB/),
    ]);
  });
});

describe('sessions.maxEventLoopDelay', () => {
  it('may be none', () => {
    expect(configOf(`${oneListener}sessions: {maxEventLoopDelay: 0s}`).sessions.maxEventLoopDelayMs).toBe(0);
  });
});
