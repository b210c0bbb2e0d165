import { describe, expect, it } from 'vitest';
import { duration, readDuration } from '../../src/config/duration.ts';

describe('readDuration', () => {
  it.each([
    ['0s', 0],
    ['500ms', 500],
    ['30s', 30_000],
    ['15m', 900_000],
    ['1h', 3_600_000],
    ['2d', 172_800_000],
  ])('reads %s', (text, ms) => {
    expect(readDuration(text)).toBe(ms);
  });

  it.each(['', '30', 's', '-1s', '1.5h', '1 h', '1H', '1w', '1h30m', '1234567890s', ' 1s', '1s\n'])(
    'refuses %j',
    (text) => {
      expect(readDuration(text)).toBeUndefined();
    },
  );
});

describe('duration', () => {
  const schema = duration({ min: '1s', max: '10m' });

  it('accepts both ends of its range', () => {
    expect(schema.parse('1000ms')).toBe(1_000);
    expect(schema.parse('600s')).toBe(600_000);
  });

  it.each(['999ms', '601s', 'soon'])('says its range when it refuses %s', (text) => {
    expect(schema.safeParse(text).error?.issues[0]?.message).toContain('a duration from 1s to 10m');
  });
});
