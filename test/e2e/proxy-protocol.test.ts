import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeLocalHeader, encodeProxyHeader } from '../../src/net/proxy-protocol/encode.ts';
import { type Haproxy, startHaproxy } from '../support/haproxy.ts';
import { program } from '../support/programs.ts';
import { account, type Stage, startStage } from './stage.ts';
import { eventually, inTime } from './support.ts';
import { connectGreeted, connectWireClient, type WireClient } from './wire-client.ts';

/** Connections from here are a balancer's; 127.0.0.1 is nobody special. */
const balancer = '127.0.0.3';

const listeners = `
  - {name: starttls, address: "127.0.0.1:0", tls: starttls, proxyProtocolFrom: [${balancer}]}
  - {name: implicit, address: "127.0.0.1:0", tls: implicit, proxyProtocolFrom: [${balancer}]}
  - {name: ended, address: "127.0.0.1:0", tls: starttls, proxyProtocolFrom: [${balancer}], trustProxyTls: true}
  - {name: granted, address: "127.0.0.1:0", tls: starttls, proxyProtocolFrom: [${balancer}], plaintextFrom: [192.0.2.0/24]}
`;

const source = { address: '192.0.2.7', port: 51_000 };
const destination = { address: '198.51.100.9', port: 110 };
const line = 'PROXY TCP4 192.0.2.7 198.51.100.9 51000 110\r\n';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage({ listeners });
});
afterAll(() => stage?.[Symbol.asyncDispose]());

/** Connects as the balancer does and sends the first octets, header included. */
async function connectAsBalancer(listener: string, first: string | Uint8Array): Promise<WireClient> {
  const client = await connectWireClient({ port: stage.postern.port(listener), localAddress: balancer });
  client.send(first);
  return client;
}

function refusals(listener: string): Promise<number | undefined> {
  return stage.postern.metric(`postern_connections_refused_total{listener="${listener}",reason="proxy_header"}`);
}

describe('a connection from a balancer', () => {
  test.each([
    ['version 1', line],
    ['version 2', encodeProxyHeader({ source, destination, uniqueId: 'balancer-77' })],
  ])('is the named client under a header of %s', async (_, header) => {
    using client = await connectAsBalancer('granted', header);
    expect(await client.readLine()).toMatch(/^\+OK/);
    expect(await client.logIn(account.user, account.password)).toMatch(/^\+OK/);
    const [login] = stage.postern.logged('loginFinished', { address: '192.0.2.7', listener: 'granted' });
    expect(login).toMatchObject({ transport: 'plaintext', result: 'accepted' });
  });

  test('is shown with the balancer, its name for the connection and the real client', async () => {
    const header = encodeProxyHeader({ source: { ...source, address: '192.0.2.8' }, destination, uniqueId: 'b-78' });
    using client = await connectAsBalancer('granted', header);
    await client.readLine();
    const expected = { address: '192.0.2.8', port: 51_000, proxySource: balancer, correlationId: 'b-78' };
    expect(stage.postern.logged('sessionOpened', { address: '192.0.2.8' })).toMatchObject([expected]);
    const shown = await (await stage.postern.ask('/api/v1/sessions?address=192.0.2.8')).json();
    expect(shown).toMatchObject({ sessions: [expected] });
  });

  test('gets no login in the clear where the real client may not, though its header came with its commands', async () => {
    const header = encodeProxyHeader({ source: { address: '203.0.113.5', port: 1 }, destination });
    using client = await connectAsBalancer('granted', Buffer.concat([header, Buffer.from('USER a\r\n')]));
    await client.readLine();
    expect(await client.readLine()).toMatch(/^-ERR \[SYS\/PERM\]/);
  });

  test('keeps its own address for LOCAL and UNKNOWN', async () => {
    for (const header of [encodeLocalHeader(), 'PROXY UNKNOWN\r\n']) {
      using client = await connectAsBalancer('starttls', header);
      await client.readLine();
      await client.command('QUIT');
    }
    const opened = stage.postern.logged('sessionOpened', { listener: 'starttls', address: balancer });
    expect(opened.length).toBe(2);
    expect(opened[0]).not.toHaveProperty('proxySource');
  });

  test.each([
    ['no header', 'USER alice\r\n', 'The PROXY header is missing'],
    ['a malformed header', 'PROXY TCP4 192.0.2.7\r\n', 'The PROXY header holds malformed addresses or ports'],
  ])('is closed without a word for %s, which is logged and counted', async (_, first, detail) => {
    const before = (await refusals('starttls')) ?? 0;
    using client = await connectAsBalancer('starttls', first);
    expect(await client.closed()).toBe('');
    await stage.postern.waitForLog('connectionRefused', { reason: 'proxy_header', address: balancer, detail });
    expect(await refusals('starttls')).toBe(before + 1);
  });

  test('is forgotten where it closes without an octet', async () => {
    const before = await refusals('implicit');
    const client = await connectAsBalancer('implicit', '');
    client.end();
    await client.closed();
    expect(await refusals('implicit')).toBe(before);
  });

  test('is closed where its header is cut short', async () => {
    using client = await connectAsBalancer('implicit', line.slice(0, 20));
    client.end();
    await client.closed();
    await stage.postern.waitForLog('connectionRefused', { detail: 'The PROXY header is cut short' });
  });
});

describe('a connection from elsewhere', () => {
  test.each([
    ['version 1', line],
    ['version 2', encodeProxyHeader({ source, destination })],
  ])('is closed when it begins with a header of %s, and the log says what to do', async (_, header) => {
    const localAddress = header === line ? '127.0.2.1' : '127.0.2.2';
    using client = await connectWireClient({ port: stage.postern.port('granted'), localAddress });
    client.send(header);
    client.send('USER alice\r\n');
    expect(await client.closed()).not.toContain('Send PASS');
    const closed = await stage.postern.waitForLog('sessionClosed', { address: localAddress });
    expect(closed).toMatchObject({ reason: 'proxy_header', advice: expect.stringContaining('proxyProtocolFrom') });
    expect(stage.postern.logged('sessionOpened', { address: '192.0.2.7', proxySource: localAddress })).toEqual([]);
  });

  test('needs no header', async () => {
    using client = await connectGreeted({ port: stage.postern.port('starttls'), localAddress: '127.0.2.3' });
    await client.startTls(stage.certificates.ca);
    expect(await client.logIn(account.user, account.password)).toMatch(/^\+OK/);
  });
});

describe('limits', () => {
  test('hold for each real client, and for all from the first octet', async () => {
    await using small = await startStage({ listeners, sections: 'sessions: {maxTotal: 3, maxPerAddress: 1}' });
    const port = small.postern.port('starttls');
    const open = async (header: string) => {
      const client = await connectWireClient({ port, localAddress: balancer });
      client.send(header);
      return client;
    };
    using first = await open(line);
    expect(await first.readLine()).toMatch(/^\+OK/);
    using second = await open(line.replace('192.0.2.7', '192.0.2.8'));
    expect(await second.readLine()).toMatch(/^\+OK/);
    using again = await open(line);
    expect(await again.readLine()).toMatch(/^-ERR/);
    // Half a header takes up a place.
    using third = await open('PROXY ');
    await eventually(async () => {
      using fourth = await open(line.replace('192.0.2.7', '192.0.2.9'));
      const answer = await fourth.readLine();
      expect(answer).toMatch(/^-ERR/);
    });
    expect(small.postern.logged('connectionRefused').map(({ reason }) => reason)).toEqual(
      expect.arrayContaining(['max_per_address', 'max_total']),
    );
    third.end();
  });
});

describe('a blocked client', () => {
  test('is refused once the header has told who it is, and others behind its balancer are not', async () => {
    await using strict = await startStage({
      listeners,
      script: { answer: (command) => (command.startsWith('PASS ') ? '-ERR [AUTH] No\r\n' : undefined) },
      sections: 'limits: {perAddress: {failures: 1, block: 10m}}',
    });
    const connect = async (address: string): Promise<WireClient> => {
      const client = await connectWireClient({ port: strict.postern.port('granted'), localAddress: balancer });
      client.send(line.replace('192.0.2.7', address));
      return client;
    };
    using first = await connect('192.0.2.7');
    await first.readLine();
    expect(await first.logIn(account.user, 'wrong')).toBe('-ERR [AUTH] No');

    using again = await connect('192.0.2.7');
    expect(await again.readLine()).toMatch(/^-ERR \[SYS\/TEMP\] Too many failed logins from your network\./);
    using neighbour = await connect('192.0.2.8');
    expect(await neighbour.readLine()).toMatch(/^\+OK/);
    const refused = strict.postern.logged('connectionRefused', { reason: 'blocked' });
    expect(refused).toMatchObject([{ address: '192.0.2.7', level: 'debug' }]);
  });
});

describe.skipIf(!program('haproxy'))('behind HAProxy', () => {
  let haproxy: Haproxy;
  beforeAll(async () => {
    const { postern, certificates } = stage;
    // As a balancer of its own address.
    const from = `source ${balancer}`;
    const v2 = 'send-proxy-v2 proxy-v2-options unique-id';
    const uniqueId = 'unique-id-format id-%ci-%cp';
    haproxy = await startHaproxy(
      [
        { name: 'stls-v1', targetPort: postern.port('starttls'), send: `send-proxy ${from}` },
        { name: 'stls-v2', targetPort: postern.port('starttls'), send: `${v2} ${from}`, settings: uniqueId },
        { name: 'implicit-v1', targetPort: postern.port('implicit'), send: `send-proxy ${from}` },
        { name: 'implicit-v2', targetPort: postern.port('implicit'), send: `send-proxy-v2 ${from}` },
        {
          name: 'implicit-crc',
          targetPort: postern.port('implicit'),
          send: `send-proxy-v2 proxy-v2-options crc32c,authority,unique-id ${from}`,
          settings: uniqueId,
        },
        {
          name: 'ended-ssl',
          targetPort: postern.port('ended'),
          send: `send-proxy-v2-ssl-cn proxy-v2-options ssl-cipher ${from}`,
          isTlsTerminated: true,
        },
        { name: 'ended-v2', targetPort: postern.port('ended'), send: `send-proxy-v2 ${from}`, isTlsTerminated: true },
        {
          name: 'not-trusted',
          targetPort: postern.port('starttls'),
          send: `send-proxy-v2-ssl ${from}`,
          isTlsTerminated: true,
        },
        { name: 'no-header', targetPort: postern.port('implicit'), send: from },
      ],
      { certificate: certificates.valid },
    );
  });
  afterAll(() => haproxy?.[Symbol.asyncDispose]());

  /** One more loopback address for each test: what is logged for it is this test's. */
  let lastClient = 10;
  function nextClient(): string {
    lastClient += 1;
    return `127.0.1.${lastClient}`;
  }

  test.each(['stls-v1', 'stls-v2'])('STLS goes through %s with the real client', async (frontend) => {
    const localAddress = nextClient();
    using client = await connectGreeted({ port: haproxy.port(frontend), localAddress });
    await client.startTls(stage.certificates.ca);
    expect(await client.logIn(account.user, account.password)).toMatch(/^\+OK/);
    expect(await client.command('STAT')).toMatch(/^\+OK/);
    const login = stage.postern.logged('loginFinished', { address: localAddress });
    expect(login).toMatchObject([{ transport: 'stls', result: 'accepted' }]);
    const [opened] = stage.postern.logged('sessionOpened', { address: localAddress });
    expect(opened).toMatchObject({ proxySource: balancer });
    if (frontend === 'stls-v2') expect(opened?.correlationId).toMatch(new RegExp(`^id-${localAddress}-\\d+$`));
  });

  test.each(['implicit-v1', 'implicit-v2', 'implicit-crc'])(
    'a handshake behind the header goes through %s',
    async (frontend) => {
      const localAddress = nextClient();
      using client = await connectGreeted({
        port: haproxy.port(frontend),
        localAddress,
        implicitTlsCa: stage.certificates.ca,
      });
      expect(await client.logIn(account.user, account.password)).toMatch(/^\+OK/);
      const login = stage.postern.logged('loginFinished', { address: localAddress });
      expect(login).toMatchObject([{ transport: 'implicit', result: 'accepted' }]);
    },
  );

  test('TLS that the balancer ended counts as encryption where it is trusted', async () => {
    const localAddress = nextClient();
    using client = await connectGreeted({
      port: haproxy.port('ended-ssl'),
      localAddress,
      implicitTlsCa: stage.certificates.ca,
    });
    const capabilities = await client.multilineCommand('CAPA');
    expect(capabilities).toContain('USER');
    expect(capabilities).not.toContain('STLS');
    expect(await client.logIn(account.user, account.password)).toMatch(/^\+OK/);
    const expected = { transport: 'implicit', version: 'TLSv1.3', cipher: expect.stringMatching(/^TLS_/) };
    const established = await stage.postern.waitForLog('clientTlsEstablished', { address: localAddress });
    expect(established).toMatchObject(expected);
  });

  test.each([
    ['ended-v2', 'whose header says nothing of it'],
    ['not-trusted', 'that is not trusted to tell'],
  ])('TLS ended by a balancer is none on %s, %s', async (frontend) => {
    using client = await connectGreeted({
      port: haproxy.port(frontend),
      localAddress: nextClient(),
      implicitTlsCa: stage.certificates.ca,
    });
    const capabilities = await client.multilineCommand('CAPA');
    expect(capabilities).toContain('STLS');
    expect(capabilities).not.toContain('USER');
    expect(await client.command('USER alice')).toMatch(/^-ERR \[SYS\/PERM\]/);
  });

  test('a balancer that sends no header is refused for the handshake it sends instead', async () => {
    using client = await inTime('a connection', connectWireClient({ port: haproxy.port('no-header') }));
    client.send(Uint8Array.of(0x16, 3, 1, 0, 100));
    await client.closed();
    await stage.postern.waitForLog('connectionRefused', {
      listener: 'implicit',
      detail: 'The PROXY header is missing',
    });
  });
});
