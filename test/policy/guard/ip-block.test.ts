import { BlockList, isIPv4 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIpBlock, maskedKey, readAddress, readIpBlock } from '../../../src/policy/guard/ip-block.ts';

describe('a CIDR block', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['192.0.2.7/32', '192.0.2.7'],
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['10.128.0.0/9', '10.128.0.0/9'],
    ['2001:DB8:0:0:0:0:0:0/32', '2001:db8::/32'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::/0', '::/0'],
    ['::1', '::1'],
    ['2001:db8:1:2:3:4:5:0/113', '2001:db8:1:2:3:4:5:0/113'],
    ['::ffff:192.0.2.0/120', '192.0.2.0/24'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
  ])('is read and spelled one way: %s', (text, spelled) => {
    const block = readIpBlock(text);
    expect(block && formatIpBlock(block)).toBe(spelled);
  });

  it.each([
    'mail.example.com',
    '10.0.0.0/33',
    '10.0.0.1/8',
    '2001:db8::1/64',
    '::ffff:10.0.0.0/64',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    'fe80::1%eth0',
    '',
    '010.0.0.0/8',
  ])('is none where it is not one, or starts inside of itself: %s', (text) => {
    expect(readIpBlock(text)).toBeUndefined();
  });

  it('holds the addresses that the platform says it holds', () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6());
    fc.assert(
      fc.property(address, fc.nat(127), fc.nat(127), (first, prefixSeed, flippedSeed) => {
        const groups = readAddress(first);
        // The platform keeps IPv4-mapped addresses apart; here they are IPv4.
        fc.pre(groups !== undefined && (groups.length === 2) === isIPv4(first));
        const bits = groups.length * 16;
        const [prefix, flipped] = [prefixSeed % (bits + 1), flippedSeed % bits];
        const near = groups.map((group, index) =>
          index === flipped >> 4 ? group ^ (0x8000 >> (flipped & 15)) : group,
        );
        const other = formatIpBlock({ groups: near, prefix: bits });
        fc.pre(isIPv4(other) === isIPv4(first));
        const family = isIPv4(first) ? 'ipv4' : 'ipv6';
        const list = new BlockList();
        list.addSubnet(first, prefix, family);
        expect(maskedKey(near, prefix) === maskedKey(groups, prefix)).toBe(list.check(other, family));
      }),
    );
  });

  it('is read back as it was spelled', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        const groups = readAddress(address);
        if (groups === undefined) throw new Error(`Cannot read "${address}"`);
        const spelled = formatIpBlock({ groups, prefix: groups.length * 16 });
        expect(readAddress(spelled)).toEqual(groups);
      }),
    );
  });
});
