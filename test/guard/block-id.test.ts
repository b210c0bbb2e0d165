import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatBlockId, parseBlockId } from '../../src/guard/block-id.ts';
import { limitNames } from '../../src/policy/login-limits.ts';

describe('block ids', () => {
  test('need no escaping in a URL and lead back to the block', () => {
    fc.assert(
      fc.property(fc.constantFrom(...limitNames), fc.string({ unit: 'grapheme' }), (limit, subject) => {
        const id = formatBlockId({ limit, subject });
        expect(encodeURIComponent(id)).toBe(id);
        expect(parseBlockId(id)).toEqual({ limit, subject });
      }),
    );
  });

  test.each([
    '',
    'perAddress',
    'perDay.YQ',
    '__proto__.YQ',
    'perAddress.YQ==',
    'perAddress.Y!Q',
    'perAddress.YQ.YQ',
    'perAddress. YQ',
  ])('are refused when they were not given out: %j', (id) => {
    expect(parseBlockId(id)).toBeUndefined();
  });
});
