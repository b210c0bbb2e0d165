import { describe, expect, test } from 'vitest';
import { encodeLocalHeader, encodeProxyHeader } from '../../../src/net/proxy-protocol/encode.ts';
import { ProxyHeaderReader } from '../../../src/net/proxy-protocol/header-reader.ts';

const ipv4 = { address: '192.0.2.7', port: 51_000 };
const ipv6 = { address: '2001:db8::9', port: 995 };

function readBack(octets: Uint8Array): unknown {
  const verdict = new ProxyHeaderReader().push(octets);
  return verdict.kind === 'header' ? verdict.header : verdict;
}

describe(encodeProxyHeader, () => {
  test('has the octets that the specification gives', () => {
    const octets = encodeProxyHeader({ source: ipv4, destination: { address: '198.51.100.9', port: 110 } });
    const withoutChecksum = Buffer.from(octets.subarray(0, -4)).toString('hex');
    expect(withoutChecksum).toBe(
      '0d0a0d0a000d0a515549540a2111 0013 c0000207 c6336409 c738 006e 030004'.replaceAll(' ', ''),
    );
  });

  test('carries IPv4 beside IPv6 as IPv4-mapped', () => {
    const octets = encodeProxyHeader({ source: ipv4, destination: ipv6 });
    expect(octets[13]).toBe(0x21);
    expect(readBack(octets)).toMatchObject({ addresses: { source: ipv4, destination: ipv6 } });
  });

  test('leaves a zone out', () => {
    const octets = encodeProxyHeader({ source: { address: 'fe80::1%eth0', port: 1 }, destination: ipv6 });
    expect(readBack(octets)).toMatchObject({ addresses: { source: { address: 'fe80::1' } } });
  });

  test('tells nothing where an address is none', () => {
    expect(readBack(encodeProxyHeader({ source: { address: '', port: 0 }, destination: ipv4 }))).toEqual({
      command: 'proxy',
    });
  });

  test('cuts a unique id at 128 octets', () => {
    const octets = encodeProxyHeader({ source: ipv4, destination: ipv4, uniqueId: 'x'.repeat(200) });
    expect(readBack(octets)).toMatchObject({ uniqueId: 'x'.repeat(128) });
  });
});

test('a local header names nobody', () => {
  expect(readBack(encodeLocalHeader())).toEqual({ command: 'local' });
});
