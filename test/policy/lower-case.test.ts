import { describe, expect, test } from 'vitest';
import { comparableName, lowerCaseAscii } from '../../src/policy/lower-case.ts';

describe('lowerCaseAscii', () => {
  test.each([
    ['alice@att.net', 'alice@att.net'],
    ['Alice@ATT.net', 'alice@att.net'],
    ['\u00c9LAN', '\u00c9lan'],
    ['[Z]', '[z]'],
    ['', ''],
  ])('makes of %j %j', (octets, lower) => {
    expect(lowerCaseAscii(octets)).toBe(lower);
  });
});

describe('comparableName', () => {
  test.each([
    [' \tAlice \t', 'alice'],
    ['two words', 'two words'],
    ['\u00a0alice\n', '\u00a0alice\n'],
    [' \t ', ''],
    ['', ''],
  ])('makes of %j %j', (octets, name) => {
    expect(comparableName(octets)).toBe(name);
  });
});
