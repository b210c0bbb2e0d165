import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FixtureMessage, sha256, smallMaildrop } from '../e2e/fixtures/maildrop.ts';
import { createTestCertificates, type TestCertificates } from './certificates.ts';
import {
  type FetchMaildrop,
  type FetchRequest,
  fetchWithCurl,
  fetchWithFetchmail,
  fetchWithMpop,
  fetchWithPoplib,
  fetchWithPoplibAndCut,
} from './clients.ts';
import { type Dovecot, startDovecot } from './dovecot.ts';
import { program } from './programs.ts';

const user = 'user@corp.test';
const password = 'pass: "word" \\ ü';
const messages = smallMaildrop();
const twoMessages = messages.slice(0, 2).map(({ octets }) => octets);

interface Client {
  readonly name: string;
  readonly program: string;
  readonly fetch: FetchMaildrop;
  /** How a stored message differs from the one on the server. */
  readonly store: (message: FixtureMessage) => Buffer;
  /** The messages that it alters beyond that. */
  readonly alters: readonly string[];
}

const clients: readonly Client[] = [
  { name: 'curl', program: 'curl', fetch: fetchWithCurl, store: asSent, alters: [] },
  {
    name: 'fetchmail',
    program: 'fetchmail',
    fetch: fetchWithFetchmail,
    store: withLf,
    alters: ['a very long line', 'a very long line of dots', 'headers only', 'bare CR'],
  },
  { name: 'mpop', program: 'mpop', fetch: fetchWithMpop, store: withLf, alters: [] },
  { name: 'poplib', program: 'python3', fetch: fetchWithPoplib, store: asSent, alters: [] },
];
const accounts = [user, ...clients.map(deletingUser), 'cut', 'empty'];
const transports = ['plaintext', 'stls', 'implicit'] as const;

describe.skipIf(!program('dovecot'))('clients, fetching from Dovecot', () => {
  let certificates: TestCertificates;
  let dovecot: Dovecot;

  beforeAll(async () => {
    certificates = await createTestCertificates();
    dovecot = await startDovecot({
      users: Object.fromEntries(accounts.map((account) => [account, password])),
      mail: {
        [user]: messages.map(({ octets }) => octets),
        ...Object.fromEntries([...clients.map(deletingUser), 'cut'].map((account) => [account, twoMessages])),
      },
      tls: certificates.valid,
    });
  });

  afterAll(async () => {
    await dovecot?.[Symbol.asyncDispose]();
    await certificates?.[Symbol.asyncDispose]();
  });

  const request = (transport: FetchRequest['transport'], account = user): FetchRequest => ({
    host: '127.0.0.1',
    port: transport === 'implicit' ? dovecot.pop3sPort : dovecot.pop3Port,
    transport,
    user: account,
    password,
    caFile: certificates.caFile,
  });

  for (const client of clients) {
    describe.skipIf(!program(client.program))(client.name, () => {
      it.each(transports)('stores every message as it is known to over %s', async (transport) => {
        const fetched = await client.fetch(request(transport));

        expect(fetched.map((octets, index) => client.alters.includes(nameOf(index)) || sha256(octets))).toEqual(
          messages.map((message) => client.alters.includes(message.name) || sha256(client.store(message))),
        );
      });

      it('stores the same octets over every transport', async () => {
        const fetched = await Promise.all(transports.map((transport) => client.fetch(request(transport))));

        const [plaintext, ...underTls] = fetched.map((octets) => octets.map(sha256));
        expect(plaintext).toHaveLength(messages.length);
        for (const hashes of underTls) expect(hashes).toEqual(plaintext);
      });

      it('deletes what it fetched when asked to', async () => {
        const account = deletingUser(client);
        const fetched = await client.fetch({ ...request('implicit', account), keep: false });

        expect(fetched).toHaveLength(2);
        expect(await dovecot.maildir(account)).toHaveLength(0);
      });

      it('fetches nothing from an empty maildrop', async () => {
        expect(await client.fetch(request('stls', 'empty'))).toEqual([]);
      });

      it.each(['stls', 'implicit'] as const)('refuses an untrusted certificate over %s', async (transport) => {
        await using others = await createTestCertificates();

        await expect(client.fetch({ ...request(transport), caFile: others.caFile })).rejects.toThrow(
          `Cannot fetch with ${client.program}: exit code`,
        );
      });

      it('rejects when the password is refused', async () => {
        await expect(client.fetch({ ...request('implicit'), password: 'wrong' })).rejects.toThrow(
          `Cannot fetch with ${client.program}: exit code`,
        );
      });
    });
  }

  it.skipIf(!program('python3'))('leaves the maildrop as it was when poplib is cut behind DELE', async () => {
    const fetched = await fetchWithPoplibAndCut({ ...request('plaintext', 'cut'), keep: false });

    expect(fetched).toHaveLength(2);
    expect((await dovecot.maildir('cut')).map(sha256)).toEqual(twoMessages.map(sha256));
  });
});

function withLf({ octets }: FixtureMessage): Buffer {
  return Buffer.from(octets.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
}

function asSent({ octets }: FixtureMessage): Buffer {
  return octets;
}

function nameOf(index: number): string {
  return messages[index]?.name ?? `no message ${index}`;
}

function deletingUser({ name }: Client): string {
  return `delete-with-${name}`;
}
