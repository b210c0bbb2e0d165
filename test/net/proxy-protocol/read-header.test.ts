import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { encodeProxyHeader } from '../../../src/net/proxy-protocol/encode.ts';
import { createProxyHeaderReader } from '../../../src/net/proxy-protocol/read-header.ts';
import { connectPair } from '../../proxy/peer.ts';

const line = 'PROXY TCP4 192.0.2.7 198.51.100.9 51000 110\r\n';
const source = { address: '192.0.2.7', port: 51_000 };
const destination = { address: '198.51.100.9', port: 110 };
const readHeader = createProxyHeaderReader();

describe(createProxyHeaderReader, () => {
  test('leaves octets behind the header to whoever reads next', async () => {
    const { accepted, connected } = await connectPair();
    connected.write(`${line}CAPA\r\n`);
    expect(await readHeader(accepted)).toEqual({ kind: 'header', client: { source, destination } });
    const [chunk] = await once(accepted, 'data');
    expect(String(chunk)).toBe('CAPA\r\n');
    connected.destroy();
    accepted.destroy();
  });

  test('leaves nothing, and a socket that flows for the next reader, where nothing follows', async () => {
    const { accepted, connected } = await connectPair();
    connected.write(line);
    await readHeader(accepted);
    const next = once(accepted, 'data');
    connected.write('QUIT\r\n');
    expect(String(await next)).toBe('QUIT\r\n');
    connected.destroy();
    accepted.destroy();
  });

  test('waits for a header in pieces', async () => {
    const { accepted, connected } = await connectPair();
    const reading = readHeader(accepted);
    for (const octet of line) {
      connected.write(octet);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await reading).toMatchObject({ kind: 'header' });
    connected.destroy();
    accepted.destroy();
  });

  test('passes on the name of the connection and TLS', async () => {
    const { accepted, connected } = await connectPair();
    const tls = { version: 'TLSv1.2', cipher: 'ECDHE-RSA-AES128-GCM-SHA256' };
    connected.write(encodeProxyHeader({ source, destination, uniqueId: 'b-1', tls }));
    expect(await readHeader(accepted)).toEqual({
      kind: 'header',
      client: { source, destination, correlationId: 'b-1', tls: { ...tls, isResumed: false } },
    });
    connected.destroy();
    accepted.destroy();
  });

  test.each([
    ['', 'No PROXY header within 0.05 s'],
    ['PROXY TCP4', 'No whole PROXY header within 0.05 s'],
  ])('is refused where %j is all that came in time', async (octets, detail) => {
    const { accepted, connected } = await connectPair();
    if (octets !== '') connected.write(octets);
    expect(await createProxyHeaderReader({ timeoutMs: 50 })(accepted)).toEqual({ kind: 'refused', detail });
    connected.destroy();
    accepted.destroy();
  });

  test('tells a peer that only looked from one that broke off', async () => {
    for (const [octets, expected] of [
      ['', { kind: 'gone' }],
      ['PROXY', { kind: 'refused', detail: 'The PROXY header is cut short' }],
    ] as const) {
      const { accepted, connected } = await connectPair();
      const reading = readHeader(accepted);
      connected.end(octets);
      expect(await reading).toEqual(expected);
      accepted.destroy();
    }
  });

  test('ends at a reset', async () => {
    const { accepted, connected } = await connectPair();
    accepted.on('error', () => {});
    const reading = readHeader(accepted);
    connected.resetAndDestroy();
    expect(await reading).toEqual({ kind: 'gone' });
  });
});
