import { describe, expect, it } from 'vitest';
import { duration, readDuration, retention } from '../../src/config/duration.ts';

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

describe('retention', () => {
  const schema = retention({ min: '1m', max: '10d' });

  it.each(['0', '0s', '0d'])('reads %s as not at all', (text) => {
    expect(schema.parse(text)).toBe(0);
  });

  it('accepts both ends of its range', () => {
    expect(schema.parse('60s')).toBe(60_000);
    expect(schema.parse('240h')).toBe(864_000_000);
  });

  it.each(['59s', '11d', '', '-0', '00', 'never'])('says what is accepted when it refuses %j', (text) => {
    expect(schema.safeParse(text).error?.issues[0]?.message).toContain('0, or a duration from 1m to 10d');
  });
});
