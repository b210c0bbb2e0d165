import { describe, expect, it } from 'vitest';
import { readNetwork, toNetworks } from '../../src/config/networks.ts';
import { Refusal } from '../../src/config/scalar.ts';
import { type Networks, noNetworks } from '../../src/policy/networks.ts';

function networks(...texts: string[]): Networks {
  return toNetworks(
    texts.map((text) => {
      const block = readNetwork(text);
      if (block instanceof Refusal) throw new Error(`Cannot read ${text}: ${block.reason}`);
      return block;
    }),
  );
}

describe('toNetworks', () => {
  it.each([
    ['10.1.2.0/23', '10.1.3.255', '10.1.4.0'],
    ['192.0.2.7', '192.0.2.7', '192.0.2.8'],
    ['0.0.0.0/0', '255.255.255.255', '::1'],
    ['::/0', '2001:db8::1', '127.0.0.1'],
    ['fd00::/8', 'fdff::1', 'fe00::1'],
    ['2001:DB8:0::1', '2001:db8::1', '2001:db8::2'],
    ['::ffff:10.0.0.0/104', '10.255.0.1', '11.0.0.0'],
    ['::ffff:192.0.2.7', '192.0.2.7', '192.0.2.6'],
    ['::ffff:0:0/96', '203.0.113.9', '::1'],
    ['fe80::/10', 'fe80::1%eth0', 'fec0::1'],
  ])('%s includes %s and not %s', (network, inside, outside) => {
    expect(networks(network).includes(inside)).toBe(true);
    expect(networks(network).includes(outside)).toBe(false);
  });

  it('includes what any of its networks includes, of either family', () => {
    const both = networks('127.0.0.0/8', '::1');
    expect(
      ['127.9.9.9', '::1', '0:0:0:0:0:0:0:1', '128.0.0.1', '::2'].map((address) => both.includes(address)),
    ).toEqual([true, true, true, false, false]);
  });

  it('takes an IPv4-mapped address for IPv4, however it is spelled', () => {
    expect(networks('10.0.0.0/8').includes('::ffff:10.0.0.1')).toBe(true);
    expect(networks('10.0.0.0/8').includes('::ffff:a00:1')).toBe(true);
    expect(networks('::/0').includes('::ffff:10.0.0.1')).toBe(false);
  });

  it('includes nothing that is no address', () => {
    expect(['', 'localhost', '10.0.0', '10.0.0.1/8'].some((text) => networks('0.0.0.0/0', '::/0').includes(text))).toBe(
      false,
    );
  });

  it('is the empty set without networks', () => {
    expect(toNetworks([])).toBe(noNetworks);
  });
});

describe('readNetwork', () => {
  it.each([
    ['10.0.0.1/33', 'the prefix length of an IPv4 network is 0 to 32'],
    ['10.0.0.0/', 'the prefix length of an IPv4 network is 0 to 32'],
    ['10.0.0.0/-1', 'the prefix length of an IPv4 network is 0 to 32'],
    ['10.0.0.0/255.0.0.0', 'the prefix length of an IPv4 network is 0 to 32'],
    ['fd00::/129', 'the prefix length of an IPv6 network is 0 to 128'],
    ['::ffff:10.0.0.0/8', 'the prefix length of an IPv4-mapped IPv6 network is 96 to 128'],
    ['192.168.10.0/2', 'bits set behind its prefix length'],
    ['fd00::1/64', 'bits set behind its prefix length'],
    ['::ffff:10.0.0.1/104', 'bits set behind its prefix length'],
    ['10.0.0', 'a network such as'],
    ['010.0.0.0/8', 'a network such as'],
    ['10.0.0.0/8/8', 'a network such as'],
    ['fe80::1%eth0', 'a network such as'],
    ['example.com', 'a network such as'],
    ['', 'a network such as'],
  ])('says what is wrong with %j', (text, reason) => {
    const refusal = readNetwork(text);
    expect(refusal).toBeInstanceOf(Refusal);
    expect(refusal).toHaveProperty('reason', expect.stringContaining(reason));
  });
});
