import { describe, expect, it } from 'vitest';
import { readNetworkFilter } from '../../src/policy/network-filter.ts';

describe('readNetworkFilter', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.8', false],
    ['192.0.2.0/24', '192.0.2.255', true],
    ['192.0.2.0/24', '192.0.3.0', false],
    ['192.0.2.0/23', '192.0.3.0', true],
    ['10.0.0.0/9', '10.127.255.255', true],
    ['10.0.0.0/9', '10.128.0.0', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '2001:db8::/64', false],
    ['::/0', '203.0.113.9', false],
    ['::/0', '2001:db8::/64', true],
    ['2001:db8::/32', '2001:db8:1:2::/64', true],
    ['2001:db8::/32', '2001:db9::/64', false],
    // All that is known of an IPv6 client is its /64.
    ['2001:db8:1:2::7', '2001:db8:1:2::/64', true],
    ['2001:db8:1:2::7/128', '2001:db8:1:2::/64', true],
    ['2001:db8:1:3::7', '2001:db8:1:2::/64', false],
    ['::ffff:192.0.2.7', '192.0.2.7', true],
  ])('%s against %s is %s', (text, network, expected) => {
    expect(readNetworkFilter(text)?.(network)).toBe(expected);
  });

  it.each([
    '',
    'lan',
    '192.0.2',
    '192.0.2.7/33',
    '192.0.2.7/',
    '192.0.2.7/8/8',
    '192.0.2.7/-1',
    '::/129',
    ':::',
    '::/x',
  ])('refuses %j', (text) => {
    expect(readNetworkFilter(text)).toBeUndefined();
  });
});
