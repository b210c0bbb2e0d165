import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestCertificates, type TestCertificates } from './certificates.ts';
import { startDovecot } from './dovecot.ts';
import { program } from './programs.ts';

describe.skipIf(!program('dovecot'))(startDovecot, () => {
  let certificates: TestCertificates;

  beforeAll(async () => {
    certificates = await createTestCertificates();
  });

  afterAll(async () => {
    await certificates?.[Symbol.asyncDispose]();
  });

  it('keeps the order and the octets of the messages it was given', async () => {
    const messages = Array.from({ length: 12 }, (_, index) =>
      Buffer.from(`Subject: ${index}\r\n\r\n\xff\r\n`, 'latin1'),
    );
    await using dovecot = await startDovecot({
      users: { a: 'x', b: 'x' },
      mail: { a: messages },
      tls: certificates.valid,
    });

    expect(await dovecot.maildir('a')).toEqual(messages);
    expect(await dovecot.maildir('b')).toEqual([]);
  });

  it('refuses a password in the clear on an address that is not the client’s own', async () => {
    await using dovecot = await startDovecot({ users: { a: 'x' }, tls: certificates.valid, address: '127.0.0.2' });

    expect(await firstLinesOf(dovecot, ['USER a'])).toEqual([
      expect.stringMatching(/^\+OK/),
      expect.stringMatching(/^-ERR .*[Pp]laintext/),
    ]);
  });

  it('runs beside another one and is gone after its dispose', async () => {
    await using first = await startDovecot({ users: { a: 'x' }, tls: certificates.valid });
    const second = await startDovecot({ users: { a: 'x' }, tls: certificates.valid });
    await second[Symbol.asyncDispose]();

    expect(await firstLinesOf(first, [])).toEqual([expect.stringMatching(/^\+OK/)]);
    await expect(firstLinesOf(second, [])).rejects.toThrow('ECONNREFUSED');
  });

  it('rejects with the reason when its settings are wrong', async () => {
    await expect(startDovecot({ users: {}, tls: certificates.valid, settings: 'no_such_setting = 1' })).rejects.toThrow(
      'Unknown setting: no_such_setting',
    );
  });
});

/** The greeting and the first line of the reply to each command. */
async function firstLinesOf(
  { address, pop3Port }: { readonly address: string; readonly pop3Port: number },
  commands: readonly string[],
): Promise<string[]> {
  const socket = connect({ host: address, port: pop3Port });
  try {
    await once(socket, 'connect');
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
    const received = [String((await lines.next()).value)];
    for (const command of commands) {
      socket.write(`${command}\r\n`);
      received.push(String((await lines.next()).value));
    }
    return received;
  } finally {
    socket.destroy();
  }
}
