import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestCertificates, type TestCertificates } from '../support/certificates.ts';
import {
  type FetchMaildrop,
  type FetchRequest,
  fetchWithCurl,
  fetchWithFetchmail,
  fetchWithMpop,
  fetchWithPoplib,
  fetchWithPoplibAndCut,
} from '../support/clients.ts';
import { type Dovecot, startDovecot } from '../support/dovecot.ts';
import { program } from '../support/programs.ts';
import { type FixtureMessage, largeMessage, maildrop, sha256, smallMaildrop } from './fixtures/maildrop.ts';
import { type PosternUnderTest, startPosternUnderTest } from './support.ts';

const password = 'pass: "word" \\ ü';
const transports = ['plaintext', 'stls', 'implicit'] as const;

interface Client {
  readonly name: string;
  readonly program: string;
  readonly fetch: FetchMaildrop;
  /** What it fetches the large message over. */
  readonly large: readonly FetchRequest['transport'][];
}

const clients: readonly Client[] = [
  { name: 'curl', program: 'curl', fetch: fetchWithCurl, large: transports },
  { name: 'fetchmail', program: 'fetchmail', fetch: fetchWithFetchmail, large: ['stls'] },
  { name: 'mpop', program: 'mpop', fetch: fetchWithMpop, large: ['implicit'] },
  { name: 'poplib', program: 'python3', fetch: fetchWithPoplib, large: ['plaintext'] },
];
/** curl and poplib store a message as it was sent. */
const faithfulClients = ['curl', 'poplib'];
/** Domain and what Postern speaks to its upstream. */
const upstreams = { 'implicit.test': 'implicit TLS', 'stls.test': 'STLS' } as const;
const domains = ['implicit.test', 'stls.test'] as const;

const reader = (domain: string): string => `reader@${domain}`;
const deleter = (client: string, domain: string): string => `delete-with-${client}@${domain}`;
const deleters = domains.flatMap((domain) => clients.map(({ name }) => deleter(name, domain)));
const cutters = domains.map((domain) => `cut@${domain}`);
const large = 'large@implicit.test';

describe.skipIf(!program('dovecot'))('a real client, through Postern', () => {
  const messages = smallMaildrop();
  const twoMessages = messages.slice(0, 2);
  let certificates: TestCertificates;
  let dovecot: Dovecot;
  let postern: PosternUnderTest;

  beforeAll(async () => {
    certificates = await createTestCertificates();
    dovecot = await startDovecot({
      users: Object.fromEntries(
        [...domains.map(reader), ...deleters, ...cutters, large].map((user) => [user, password]),
      ),
      mail: {
        ...mailOf(domains.map(reader), messages),
        ...mailOf([...deleters, ...cutters], twoMessages),
        ...mailOf([large], maildrop()),
      },
      tls: certificates.valid,
      // Where Dovecot takes no password before STLS.
      address: '127.0.0.2',
    });
    postern = await startPosternUnderTest({
      certificate: certificates.valid,
      sections: `
upstreams:
  - {name: corp, host: 127.0.0.2, port: ${dovecot.pop3sPort}, ca: ${certificates.caFile}, domains: [implicit.test]}
  - {name: corp-stls, host: 127.0.0.2, port: ${dovecot.pop3Port}, tls: starttls, ca: ${certificates.caFile}, domains: [stls.test]}
limits: {exempt: [127.0.0.0/8]}
`,
    });
  });

  afterAll(async () => {
    await postern?.[Symbol.asyncDispose]();
    await dovecot?.[Symbol.asyncDispose]();
    await certificates?.[Symbol.asyncDispose]();
  });

  const through = (transport: FetchRequest['transport'], user: string): FetchRequest => ({
    host: '127.0.0.1',
    port: postern.port(transport === 'implicit' ? 'implicit' : 'starttls'),
    transport,
    user,
    password,
    caFile: certificates.caFile,
  });
  const direct = (user: string): FetchRequest => ({
    ...through('implicit', user),
    host: '127.0.0.2',
    port: dovecot.pop3sPort,
  });

  for (const client of clients) {
    describe.skipIf(!program(client.program))(client.name, () => {
      for (const domain of domains) {
        it.each(transports)(
          `gets over %s what it gets directly, from an upstream by ${upstreams[domain]}`,
          async (transport) => {
            const fetched = hashes(await client.fetch(through(transport, reader(domain))));

            expect(fetched).toEqual(hashes(await client.fetch(direct(reader(domain)))));
            expect(fetched).toHaveLength(messages.length);
            if (faithfulClients.includes(client.name))
              expect(fetched).toEqual(messages.map((message) => message.sha256));
          },
        );

        it(`deletes what it fetched, at an upstream by ${upstreams[domain]}`, async () => {
          const user = deleter(client.name, domain);

          const fetched = await client.fetch({ ...through('plaintext', user), keep: false });

          expect(fetched).toHaveLength(twoMessages.length);
          expect(await dovecot.maildir(user)).toHaveLength(0);
        });
      }

      it.each(client.large)('gets a 20 MB message unchanged over %s', async (transport) => {
        const fetched = await client.fetch(through(transport, large));

        const expected = largeMessage(20_000_000);
        const lineEnd = faithfulClients.includes(client.name) ? '\r\n' : '\n';
        expect(fetched).toHaveLength(messages.length + 1);
        expect(sha256(fetched.at(-1) ?? Buffer.of())).toBe(sha256(withLineEnd(expected, lineEnd)));
      });

      it('is refused with a wrong password', async () => {
        const request = { ...through('stls', reader('implicit.test')), password: 'wrong' };

        await expect(client.fetch(request)).rejects.toThrow(/Cannot fetch with .*: exit code/);

        expect(postern.logged('loginFinished', { account: reader('implicit.test'), result: 'refused' })).not.toEqual(
          [],
        );
      });
    });
  }

  it.skipIf(!program('python3')).each(domains)(
    'leaves %s as it was when a client is cut behind DELE',
    async (domain) => {
      const user = `cut@${domain}`;

      const fetched = await fetchWithPoplibAndCut({ ...through('plaintext', user), keep: false });

      expect(hashes(fetched)).toEqual(twoMessages.map((message) => message.sha256));
      await postern.waitForLog('sessionClosed', { session: sessionOf(postern, user) });
      expect(hashes(await dovecot.maildir(user))).toEqual(twoMessages.map((message) => message.sha256));
    },
  );

  it('reached its upstream under TLS alone', () => {
    const connections = postern.logged('upstreamConnected');

    expect(connections.length).toBeGreaterThan(0);
    expect(new Set(connections.map(({ version }) => version))).toEqual(new Set(['TLSv1.3']));
  });
});

function mailOf(users: readonly string[], messages: readonly FixtureMessage[]): Record<string, readonly Buffer[]> {
  return Object.fromEntries(users.map((user) => [user, messages.map(({ octets }) => octets)]));
}

function hashes(octets: readonly Buffer[]): string[] {
  return octets.map(sha256);
}

function withLineEnd({ octets }: FixtureMessage, lineEnd: string): Buffer {
  return Buffer.from(octets.toString('latin1').replaceAll('\r\n', lineEnd), 'latin1');
}

function sessionOf(postern: PosternUnderTest, account: string): unknown {
  return postern.logged('relayStarted', { account })[0]?.session;
}
