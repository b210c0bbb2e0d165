import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ClientHello, readClientHello } from '../../src/net/client-hello.ts';
import { portOf } from '../proxy/peer.ts';

const named: ClientHello = { kind: 'complete', serverName: 'mail.test' };
const nameless: ClientHello = { kind: 'complete' };
const incomplete: ClientHello = { kind: 'incomplete' };

/** What a client really sends first. */
async function captureHello(options: ConnectionOptions): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const raw = connect({ host: '127.0.0.1', port: portOf(server) });
  const [[accepted]] = await Promise.all([once(server, 'connection'), once(raw, 'connect')]);
  const client = connectTls({ ...options, socket: raw });
  client.on('error', () => {});
  const chunks: Buffer[] = [];
  // Long enough where the record says so.
  while (chunks.length === 0 || Buffer.concat(chunks).length < 5 + Buffer.concat(chunks).readUInt16BE(3)) {
    const [chunk] = await once(accepted, 'data');
    chunks.push(chunk);
  }
  client.destroy();
  accepted.destroy();
  server.close();
  return Buffer.concat(chunks);
}

let hello: Buffer;
beforeAll(async () => {
  hello = await captureHello({ servername: 'mail.test' });
});

/** The same handshake message in records of so many octets. */
function inRecordsOf(octets: number, record: Buffer): Buffer {
  const message = record.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += octets) {
    const part = message.subarray(at, at + octets);
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part);
  }
  return Buffer.concat(records);
}

describe(readClientHello, () => {
  it.each<ConnectionOptions>([
    { maxVersion: 'TLSv1.2' },
    { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' },
    { ALPNProtocols: ['pop3'] },
  ])('finds the name that a client sends with %j', async (options) => {
    expect(readClientHello(await captureHello({ ...options, servername: 'mail.test' }))).toEqual(named);
  });

  it('finds none where a client sends none', async () => {
    expect(readClientHello(await captureHello({ servername: '' }))).toEqual(nameless);
  });

  it('waits for every octet of it, and does not mind what follows', () => {
    for (let length = 0; length < hello.length; length += 1) {
      expect(readClientHello(hello.subarray(0, length))).toEqual(incomplete);
    }
    expect(readClientHello(hello)).toEqual(named);
    expect(readClientHello(Buffer.concat([hello, Buffer.from([20, 3, 3, 0, 1, 1])]))).toEqual(named);
    expect(readClientHello(Buffer.concat([hello, Buffer.from('xx')]))).toEqual(named);
  });

  it.each([1, 2, 3, 4, 5, 100])('finds it in records of %i octets', (octets) => {
    const records = inRecordsOf(octets, hello);
    expect(readClientHello(records)).toEqual(records.length > 16_384 ? nameless : named);
    expect(readClientHello(records.subarray(0, records.length - 1))).toEqual(incomplete);
  });

  it.each(['USER alice\r\n', 'GET / HTTP/1.1\r\n\r\n', '\r\n', '\u0015\u0003\u0001\u0000\u0002\u0002\u0000', '\u0080'])(
    'does not wait behind %j, which is no hello',
    (octets) => {
      expect(readClientHello(Buffer.from(octets, 'latin1'))).toEqual(nameless);
    },
  );

  it('does not wait for a hello that is too long', () => {
    expect(readClientHello(Buffer.from([22, 3, 1, 0x40, 0, 1, 1, 0, 0]))).toEqual(nameless);
    const empty = Buffer.concat(Array.from({ length: 4_000 }, () => Buffer.from([22, 3, 1, 0, 0])));
    expect(readClientHello(empty)).toEqual(nameless);
  });

  it.each(['mail\0test', 'mäil.test', 'mail test', '\r\n', ''])('takes %j for no name', (name) => {
    const at = hello.indexOf('mail.test');
    const forged = Buffer.from(hello);
    forged.write(name.padEnd(9, '\0').slice(0, 9), at, 'latin1');
    expect(readClientHello(forged)).toEqual(nameless);
  });

  it('never throws, whatever the octets are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(hello.length), (octets, at) => {
        readClientHello(octets);
        const forged = Buffer.from(hello);
        forged.set(octets.subarray(0, Math.max(0, forged.length - at)), at);
        expect(['complete', 'incomplete']).toContain(readClientHello(forged).kind);
      }),
    );
  });
});
