import { describe, expect, test } from 'vitest';
import { describeRedisError, redirectionOf } from '../../../src/net/redis/redis-error.ts';

describe('describeRedisError', () => {
  test.each([
    ["ERR unknown command 'AUTH', with args beginning with: 'default' 's3cret' ", "ERR unknown command 'AUTH'"],
    ['s3cret is wrong, s3cret', '*** is wrong, ***'],
  ])('keeps secrets out of %j', (message, shown) => {
    expect(describeRedisError(new Error(message), ['s3cret', ''])).toBe(shown);
  });

  test('names each failure where several addresses failed', () => {
    const error = new AggregateError([new Error('one'), new Error('two')]);
    expect(describeRedisError(error, [])).toBe('one; two');
  });
});

describe('redirectionOf', () => {
  test.each([
    ['MOVED 3999 127.0.0.1:6381', { kind: 'moved', slot: 3_999, host: '127.0.0.1', port: 6_381 }],
    ['ASK 1 2001:db8::1:6381', { kind: 'ask', slot: 1, host: '2001:db8::1', port: 6_381 }],
    ['MOVED 0 :6381', { kind: 'moved', slot: 0, port: 6_381 }],
    ['MOVED 0 ?:6381', { kind: 'moved', slot: 0, port: 6_381 }],
  ])('reads %j', (message, redirection) => {
    expect(redirectionOf(new Error(message))).toEqual(redirection);
  });

  test.each([new Error('ERR MOVED 1 a:1'), new Error('MOVED'), 'MOVED 1 a:1', undefined])('is none for %j', (error) => {
    expect(redirectionOf(error)).toBeUndefined();
  });
});
