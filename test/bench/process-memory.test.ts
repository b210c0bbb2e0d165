import { describe, expect, it } from 'vitest';
import { openFilesLimit, parseSmapsRollup } from './process-memory.ts';

describe('parseSmapsRollup', () => {
  it('finds what a process has and its share of what it shares', () => {
    const text =
      '55d0-7ffe ---p 00000000 00:00 0 [rollup]\nRss:   2048 kB\nPss:    1024 kB\nPss_Dirty:   512 kB\nSwapPss:  0 kB\n';
    expect(parseSmapsRollup(text)).toEqual({ pssKb: 1024, rssKb: 2048 });
  });

  it.each(['', 'Rss: 12 kB\n', 'Pss: many kB\nRss: 1 kB\n'])('finds nothing in %j', (text) => {
    expect(parseSmapsRollup(text)).toBeUndefined();
  });
});

describe.skipIf(process.platform !== 'linux')('openFilesLimit', () => {
  it('is a number of files', () => {
    expect(openFilesLimit()).toBeGreaterThan(0);
  });
});
