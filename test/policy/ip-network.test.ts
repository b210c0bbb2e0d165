import { BlockList, isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limitedNetwork, parseIpv4, parseIpv6, widerNetwork } from '../../src/policy/ip-network.ts';

const nearlyIpv6 = fc
  .array(fc.constantFrom('::', ':', '0', '1', 'ffff', 'DB8', '12345', 'g', '1.2.3.4', '256.1.1.1', '01.2.3.4', '.'), {
    maxLength: 16,
  })
  .map((parts) => parts.join(''));

describe('parseIpv6', () => {
  test('accepts every IPv6 address', () => {
    fc.assert(fc.property(fc.ipV6(), (text) => parseIpv6(text)?.length === 8));
  });

  test('accepts and refuses what the platform does', () => {
    fc.assert(
      fc.property(
        fc.oneof(nearlyIpv6, fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEF:.'), maxLength: 45 })),
        (text) => {
          expect(parseIpv6(text) !== undefined).toBe(isIPv6(text));
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test.each([
    ['::', [0, 0, 0, 0, 0, 0, 0, 0]],
    ['1::', [1, 0, 0, 0, 0, 0, 0, 0]],
    ['::ffff:192.0.2.7', [0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0207]],
    ['fe80::1%eth0', [0xfe80, 0, 0, 0, 0, 0, 0, 1]],
    ['2001:DB8:1:2:3:4:5:6', [0x2001, 0xdb8, 1, 2, 3, 4, 5, 6]],
  ])('reads %j', (text, groups) => {
    expect(parseIpv6(text)).toEqual(groups);
  });

  test.each(['', ':', ':::', '1:2:3:4:5:6:7', '1::2::3', '1:2:3:4:5:6:7::8', '1.2.3.4', '1.2.3.4::', '::1%', '::1 '])(
    'refuses %j',
    (text) => {
      expect(parseIpv6(text)).toBeUndefined();
    },
  );
});

describe('parseIpv4', () => {
  test('reads every IPv4 address', () => {
    fc.assert(fc.property(fc.ipV4(), (text) => parseIpv4(text)?.join('.') === text));
  });

  test('accepts and refuses what the platform does', () => {
    const part = fc.constantFrom('0', '00', '01', '7', '255', '256', '1000', '-1', '1 ', '\n', '', 'a');
    fc.assert(
      fc.property(fc.array(part, { minLength: 3, maxLength: 5 }), (parts) => {
        const text = parts.join('.');
        expect(parseIpv4(text) !== undefined).toBe(isIPv4(text));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('limitedNetwork', () => {
  test('holds the address it was made for, and is the same for every other address in it', () => {
    const group = fc.integer({ min: 0, max: 0xffff });
    const half = fc.array(fc.oneof(fc.constant(0), group), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(half, half, half, (network, host, otherHost) => {
        const text = (groups: number[]) => groups.map((value) => value.toString(16)).join(':');
        const address = text([...network, ...host]);
        const isMapped = [...network, host[0]].every((value) => value === 0) && host[1] === 0xffff;
        fc.pre(!isMapped);
        const [prefix = '', length] = limitedNetwork(address).split('/');
        expect(length).toBe('64');
        const list = new BlockList();
        list.addSubnet(prefix, 64, 'ipv6');
        expect(list.check(address, 'ipv6')).toBe(true);
        // The platform's URL parser writes addresses in canonical form.
        expect(new URL(`http://[${prefix}]`).hostname).toBe(`[${prefix}]`);
        const other = text([...network, ...otherHost]);
        fc.pre(!limitedNetwork(other).includes('.'));
        expect(limitedNetwork(other)).toBe(limitedNetwork(address));
      }),
    );
  });

  test('tells neighbouring networks apart', () => {
    expect(limitedNetwork('2001:db8:1:2::9')).not.toBe(limitedNetwork('2001:db8:1:3::9'));
  });

  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['2001:DB8:0001:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8::/64'],
    ['::1', '::/64'],
    ['unix', 'unix'],
  ])('names the network of %j %j', (address, network) => {
    expect(limitedNetwork(address)).toBe(network);
  });
});

describe('widerNetwork', () => {
  test.each([
    ['192.0.2.7', '192.0.2.0/24'],
    ['::ffff:192.0.2.7', '192.0.2.0/24'],
    ['2001:DB8:0001:2::9', '2001:db8:1::/48'],
    ['2001:db8::9', '2001:db8::/48'],
    ['::1', '::/48'],
    ['fe80::1%eth0', 'fe80::/48'],
    ['unix', 'unix'],
    ['192.0.2', '192.0.2'],
  ])('of %j is %j', (address, network) => {
    expect(widerNetwork(address)).toBe(network);
  });

  test('is the same for an address and for what one host has', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        expect(widerNetwork(limitedNetwork(address))).toBe(widerNetwork(address));
      }),
    );
  });
});
