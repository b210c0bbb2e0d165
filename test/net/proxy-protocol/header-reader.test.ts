import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeLocalHeader, encodeProxyHeader } from '../../../src/net/proxy-protocol/encode.ts';
import type { ProxyHeaderVerdict } from '../../../src/net/proxy-protocol/header.ts';
import { ProxyHeaderReader } from '../../../src/net/proxy-protocol/header-reader.ts';
import { ipv4Addresses, octetsOf, tlv, version2, withChecksum } from './headers.ts';

function read(...chunks: readonly (string | Uint8Array)[]): ProxyHeaderVerdict {
  const reader = new ProxyHeaderReader();
  let verdict: ProxyHeaderVerdict = { kind: 'incomplete' };
  for (const chunk of chunks) {
    if (verdict.kind === 'incomplete') verdict = reader.push(typeof chunk === 'string' ? octetsOf(chunk) : chunk);
  }
  return verdict;
}

const addresses = {
  source: { address: '192.0.2.7', port: 51_000 },
  destination: { address: '198.51.100.9', port: 110 },
};

describe('version 1', () => {
  test.each([
    ['TCP over IPv4', 'PROXY TCP4 192.0.2.7 198.51.100.9 51000 110\r\n', addresses],
    [
      'TCP over IPv6, made canonical',
      'PROXY TCP6 2001:DB8:0:0:0:0:0:7 2001:db8::9 65535 0\r\n',
      { source: { address: '2001:db8::7', port: 65_535 }, destination: { address: '2001:db8::9', port: 0 } },
    ],
    [
      'IPv4-mapped addresses as IPv4',
      'PROXY TCP6 ::ffff:192.0.2.7 ::ffff:c633:6409 51000 110\r\n',
      { source: { address: '192.0.2.7', port: 51_000 }, destination: { address: '198.51.100.9', port: 110 } },
    ],
  ])('reads %s', (_, line, expected) => {
    expect(read(line)).toEqual({ kind: 'header', header: { command: 'proxy', addresses: expected } });
  });

  test.each([
    ['bare', 'PROXY UNKNOWN\r\n'],
    ['with anything behind it', 'PROXY UNKNOWN ffff::1 what ever 1 2 3\r\n'],
    ['as long as a line can be', `PROXY UNKNOWN ${'x'.repeat(107 - 16)}\r\n`],
  ])('has no addresses for UNKNOWN %s', (_, line) => {
    expect(read(line)).toEqual({ kind: 'header', header: { command: 'proxy' } });
  });

  test.each([
    ['another protocol', 'PROXY UDP4 192.0.2.7 198.51.100.9 51000 110\r\n'],
    ['lower case', 'PROXY tcp4 192.0.2.7 198.51.100.9 51000 110\r\n'],
    ['an address of the other family', 'PROXY TCP4 2001:db8::7 2001:db8::9 51000 110\r\n'],
    ['an IPv4 address as IPv6', 'PROXY TCP6 192.0.2.7 198.51.100.9 51000 110\r\n'],
    ['an octet above 255', 'PROXY TCP4 192.0.2.256 198.51.100.9 51000 110\r\n'],
    ['leading zeros', 'PROXY TCP4 192.0.02.7 198.51.100.9 51000 110\r\n'],
    ['three octets', 'PROXY TCP4 192.0.2 198.51.100.9 51000 110\r\n'],
    ['a zone', 'PROXY TCP6 fe80::1%eth0 fe80::2 51000 110\r\n'],
    ['a port above 65535', 'PROXY TCP4 192.0.2.7 198.51.100.9 65536 110\r\n'],
    ['a port with a leading zero', 'PROXY TCP4 192.0.2.7 198.51.100.9 051000 110\r\n'],
    ['a port that is no number', 'PROXY TCP4 192.0.2.7 198.51.100.9 0x10 110\r\n'],
    ['two spaces', 'PROXY TCP4  192.0.2.7 198.51.100.9 51000 110\r\n'],
    ['a field too few', 'PROXY TCP4 192.0.2.7 198.51.100.9 51000\r\n'],
    ['a field too many', 'PROXY TCP4 192.0.2.7 198.51.100.9 51000 110 1\r\n'],
    ['nothing behind its name', 'PROXY \r\n'],
    ['a bare LF', 'PROXY TCP4 192.0.2.7 198.51.100.9 51000 110\n'],
    ['a bare CR', 'PROXY TCP4 192.0.2.7 198.51.100.9\r51000 110\r\n'],
    ['108 octets', `PROXY UNKNOWN ${'x'.repeat(108 - 16)}\r\n`],
    ['107 octets without an end', `PROXY UNKNOWN ${'x'.repeat(107 - 14)}`],
  ])('refuses a line with %s', (_, line) => {
    expect(read(line)).toMatchObject({ kind: 'invalid' });
  });
});

describe('version 2', () => {
  test('reads TCP over IPv4', () => {
    expect(read(version2({ body: ipv4Addresses }))).toEqual({
      kind: 'header',
      header: { command: 'proxy', addresses },
    });
  });

  test('reads TCP over IPv6', () => {
    const source = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
    const destination = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 9];
    const body = [...source, ...destination, 0xc7, 0x38, 3, 0xe3];
    expect(read(version2({ family: 0x21, body }))).toMatchObject({
      header: {
        addresses: {
          source: { address: '2001:db8::7', port: 51_000 },
          destination: { address: 'fe80::1:0:0:9', port: 995 },
        },
      },
    });
  });

  test.each([
    ['LOCAL', { versionAndCommand: 0x20, family: 0 }, 'local'],
    ['LOCAL whose block is not empty', { versionAndCommand: 0x20, body: [...ipv4Addresses, 1, 2, 3] }, 'local'],
    ['an unspecified family', { family: 0x00, body: [1, 2, 3] }, 'proxy'],
    ['UNIX sockets', { family: 0x31, body: new Array<number>(216).fill(0x61) }, 'proxy'],
    ['datagrams', { family: 0x12, body: ipv4Addresses }, 'proxy'],
    ['an unspecified protocol', { family: 0x10, body: ipv4Addresses }, 'proxy'],
  ])('has no addresses for %s', (_, header, command) => {
    expect(read(version2(header))).toEqual({ kind: 'header', header: { command } });
  });

  test('skips values that it does not know, padding among them', () => {
    const body = [...ipv4Addresses, ...tlv(0x04, 'padding'), ...tlv(0xea, 'a cloud'), ...tlv(0x30, 'netns')];
    expect(read(version2({ body }))).toEqual({ kind: 'header', header: { command: 'proxy', addresses } });
  });

  test('reads names, and shows what is not printable as ?', () => {
    const body = [...ipv4Addresses, ...tlv(0x01, 'pop3'), ...tlv(0x02, 'mail.example\r\n')];
    expect(read(version2({ body }))).toMatchObject({ header: { alpn: 'pop3', authority: 'mail.example??' } });
  });

  test.each([
    ['as it is where it is printable', 'A1B2:77', 'A1B2:77'],
    ['in hexadecimal digits where it is not', [0, 255, 16], '00ff10'],
    ['in hexadecimal digits where it holds a space', 'a b', '612062'],
    ['of 128 octets', 'x'.repeat(128), 'x'.repeat(128)],
  ])('keeps a unique id %s', (_, value, uniqueId) => {
    const body = [...ipv4Addresses, ...tlv(0x05, value)];
    expect(read(version2({ body }))).toMatchObject({ header: { uniqueId } });
  });

  test.each([
    ['TLS without a certificate', 0x01, [0, 0, 0, 0], { isTls: true, isClientVerified: false }],
    ['TLS with a verified certificate', 0x03, [0, 0, 0, 0], { isTls: true, isClientVerified: true }],
    ['TLS with a resumed certificate', 0x05, [0, 0, 0, 0], { isTls: true, isClientVerified: true }],
    ['TLS with a certificate that failed', 0x03, [0, 0, 0, 20], { isTls: true, isClientVerified: false }],
    ['no TLS', 0x00, [0, 0, 0, 1], { isTls: false, isClientVerified: false }],
  ])('reads an SSL value for %s', (_, client, verify, expected) => {
    const names = [...tlv(0x21, 'TLSv1.3'), ...tlv(0x23, 'TLS_AES_128_GCM_SHA256'), ...tlv(0x22, 'scanner-3')];
    const body = [...ipv4Addresses, ...tlv(0x20, [client, ...verify, ...names])];
    expect(read(version2({ body }))).toMatchObject({
      header: {
        ssl: { ...expected, version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', commonName: 'scanner-3' },
      },
    });
  });

  test('accepts the right checksum wherever it stands', () => {
    expect(read(withChecksum(version2({ body: ipv4Addresses })))).toMatchObject({ kind: 'header' });
    expect(
      read(withChecksum(version2({ family: 0x31, body: [...new Array<number>(216).fill(1), ...tlv(0xe0, 'x')] }))),
    ).toMatchObject({ kind: 'header' });
  });

  test.each([
    ['a wrong checksum', withChecksum(version2({ body: ipv4Addresses }), 1)],
    ['a checksum of three octets', version2({ body: [...ipv4Addresses, ...tlv(3, [0, 0, 0])] })],
    ['two checksums', withChecksum(withChecksum(version2({ body: ipv4Addresses })))],
    ['version 1', version2({ versionAndCommand: 0x11, body: ipv4Addresses })],
    ['an unknown command', version2({ versionAndCommand: 0x22, body: ipv4Addresses })],
    ['an unknown family', version2({ family: 0x41, body: ipv4Addresses })],
    ['an unknown protocol', version2({ family: 0x13, body: ipv4Addresses })],
    ['too little room for its addresses', version2({ body: ipv4Addresses.slice(1) })],
    ['UNIX addresses cut short', version2({ family: 0x31, body: new Array<number>(215).fill(0) })],
    ['a value cut short', version2({ body: [...ipv4Addresses, 0x04, 0, 2, 1] })],
    ['half a value head', version2({ body: [...ipv4Addresses, 0x04, 0] })],
    ['a unique id of 129 octets', version2({ body: [...ipv4Addresses, ...tlv(5, 'x'.repeat(129))] })],
    ['an SSL value of four octets', version2({ body: [...ipv4Addresses, ...tlv(0x20, [1, 0, 0, 0])] })],
    [
      'an SSL value whose inner value is cut short',
      version2({ body: [...ipv4Addresses, ...tlv(0x20, [1, 0, 0, 0, 0, 0x21, 0, 9])] }),
    ],
    ['a length above the cap, before its body is read', version2({ length: 1485 })],
  ])('refuses a header with %s', (_, header) => {
    expect(read(header)).toMatchObject({ kind: 'invalid' });
  });

  test('accepts a header of 1500 octets', () => {
    const body = [...ipv4Addresses, ...tlv(0x04, new Array<number>(1500 - 16 - 12 - 3).fill(0))];
    expect(read(version2({ body }))).toMatchObject({ kind: 'header' });
  });
});

const words = fc.string({ unit: fc.constantFrom(...'abcXYZ019._-'), minLength: 1, maxLength: 40 });
const port = fc.integer({ min: 0, max: 65_535 });
const ipv4 = fc.record({ address: fc.ipV4(), port });
// What an encoder of text makes canonical: compared with a parser that knows nothing of this one.
const ipv6 = fc.record({
  address: fc.ipV6().map((text) => new URL(`http://[${text}]`).hostname.slice(1, -1)),
  port,
});
const connection = fc
  .oneof(fc.record({ source: ipv4, destination: ipv4 }), fc.record({ source: ipv6, destination: ipv6 }))
  .chain((ends) =>
    fc.record(
      { ends: fc.constant(ends), uniqueId: words, tls: fc.record({ version: words, cipher: words }) },
      { requiredKeys: ['ends'] },
    ),
  )
  .map(({ ends, ...values }) => ({ ...ends, ...values }));
const anyHeader = fc.oneof(
  connection.map(encodeProxyHeader),
  fc.constant(encodeLocalHeader()),
  fc
    .record({ source: ipv4, destination: ipv4 })
    .map(({ source, destination }) =>
      octetsOf(`PROXY TCP4 ${source.address} ${destination.address} ${source.port} ${destination.port}\r\n`),
    ),
  fc.constant(octetsOf('PROXY UNKNOWN\r\n')),
);

describe('any header', () => {
  test('is read as it was encoded', () => {
    fc.assert(
      fc.property(connection, ({ source, destination, uniqueId, tls }) => {
        const encoded = encodeProxyHeader({ source, destination, ...(uniqueId && { uniqueId }), ...(tls && { tls }) });
        expect(read(encoded)).toEqual({
          kind: 'header',
          header: {
            command: 'proxy',
            addresses: { source: withIpv4Plain(source), destination: withIpv4Plain(destination) },
            ...(uniqueId && { uniqueId }),
            ...(tls && { ssl: { isTls: true, isClientVerified: false, ...tls } }),
          },
        });
      }),
    );
  });

  test('is the same split at every octet, and what follows stays available', () => {
    fc.assert(
      fc.property(anyHeader, fc.uint8Array({ maxLength: 40 }), (header, rest) => {
        const whole = Uint8Array.from([...header, ...rest]);
        const expected = read(header);
        expect(expected.kind).toBe('header');
        for (let split = 0; split <= whole.length; split += 1) {
          const reader = new ProxyHeaderReader();
          const first = reader.push(whole.subarray(0, split));
          expect(first).toEqual(split < header.length ? { kind: 'incomplete' } : expected);
          const restBehindFirst = first.kind === 'header' ? reader.rest : undefined;
          if (restBehindFirst !== undefined) {
            expect(restBehindFirst).toEqual(whole.subarray(header.length, split));
            continue;
          }
          expect(reader.push(whole.subarray(split))).toEqual(expected);
          expect(reader.rest).toEqual(rest);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('is the same octet by octet', () => {
    fc.assert(
      fc.property(anyHeader, (header) => {
        expect(read(...Array.from(header, (octet) => Uint8Array.of(octet)))).toEqual(read(header));
      }),
    );
  });
});

describe('octets that are no header', () => {
  test('are refused at the first octet that fits neither signature', () => {
    expect(read('')).toEqual({ kind: 'incomplete' });
    expect(read('PROX')).toEqual({ kind: 'incomplete' });
    expect(read('PROXI')).toEqual({ kind: 'invalid', reason: 'is missing' });
    expect(read('USER alice\r\n')).toEqual({ kind: 'invalid', reason: 'is missing' });
    expect(read(Uint8Array.of(0x16, 3, 1))).toEqual({ kind: 'invalid', reason: 'is missing' });
  });

  test('never throw, random or spoilt', () => {
    const spoilt = fc
      .tuple(anyHeader, fc.nat(), fc.integer({ min: 0, max: 255 }))
      .map(([header, at, octet]) => header.with(at % header.length, octet));
    const behindSignature = fc
      .tuple(fc.constantFrom('PROXY ', 'PROXY TCP4 ', 'PROXY TCP6 '), fc.uint8Array({ maxLength: 120 }))
      .map(([start, tail]) => Uint8Array.from([...octetsOf(start), ...tail]));
    const binary = fc
      .record({
        versionAndCommand: fc.constantFrom(0x20, 0x21),
        family: fc.constantFrom(0, 0x11, 0x21, 0x31, 0x12),
        body: fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 300 }),
      })
      .map(version2);
    fc.assert(
      fc.property(fc.oneof(spoilt, behindSignature, binary, fc.uint8Array({ maxLength: 200 })), (octets) => {
        expect(['incomplete', 'header', 'invalid']).toContain(read(octets).kind);
      }),
      { numRuns: 2_000 },
    );
  });
});

/** fast-check's IPv6 addresses may be IPv4-mapped. */
function withIpv4Plain({ address, port: number }: { address: string; port: number }) {
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address);
  if (mapped === null) return { address, port: number };
  const [high = 0, low = 0] = mapped.slice(1).map((group) => Number.parseInt(group, 16));
  return { address: [high >> 8, high & 255, low >> 8, low & 255].join('.'), port: number };
}
