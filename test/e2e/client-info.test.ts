import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { converse } from '../../src/net/upstream-conversation.ts';
import { UpstreamMemory } from '../../src/net/upstream-memory.ts';
import type { Upstream } from '../../src/policy/upstream.ts';
import { createTestCertificates, type TestCertificates } from '../support/certificates.ts';
import { type Dovecot, startDovecot } from '../support/dovecot.ts';
import { program } from '../support/programs.ts';
import { startScriptedUpstream } from './scripted-upstream.ts';
import { eventually, type PosternUnderTest, startPosternUnderTest } from './support.ts';
import { connectGreeted, connectWireClient, type WireClient } from './wire-client.ts';

const password = 'open sesame';
const balancer = '127.0.0.3';
const listeners = `
  - {name: lan, address: "127.0.0.1:0", tls: starttls, plaintextFrom: ["127.0.0.0/8", "2001:db8::/32"]}
  - {name: balanced, address: "127.0.0.1:0", tls: off, plaintextFrom: ["0.0.0.0/0", "::/0"], proxyProtocolFrom: [${balancer}]}
`;

let certificates: TestCertificates;
beforeAll(async () => {
  certificates = await createTestCertificates();
});
afterAll(() => certificates?.[Symbol.asyncDispose]());

interface Place {
  readonly name: string;
  readonly port: number;
  readonly tls: 'implicit' | 'starttls';
  readonly clientInfo: 'proxy-v2' | 'xclient';
}

function startPostern(places: readonly Place[]): Promise<PosternUnderTest> {
  const upstreams = places.map(
    ({ name, port, tls, clientInfo }) =>
      `{name: ${name}, host: 127.0.0.1, port: ${port}, tls: ${tls}, clientInfo: ${clientInfo}, ` +
      `ca: ${certificates.caFile}, domains: [${name}.test]}`,
  );
  return startPosternUnderTest({
    listeners,
    sections: `upstreams: [${upstreams.join(', ')}]`,
    certificate: certificates.valid,
  });
}

/** Connects as the balancer does, for a client of this address. */
async function connectFor(postern: PosternUnderTest, header: string): Promise<WireClient> {
  const client = await connectWireClient({ port: postern.port('balanced'), localAddress: balancer });
  client.send(header);
  await client.readLine();
  return client;
}

describe.skipIf(!program('dovecot'))('Dovecot is told of the client', () => {
  let trusting: Dovecot;
  let behindProxy: Dovecot;
  let postern: PosternUnderTest;
  beforeAll(async () => {
    const users = Object.fromEntries(['xtls', 'xstls', 'ptls', 'pstls'].map((name) => [`user@${name}.test`, password]));
    [trusting, behindProxy] = await Promise.all([
      startDovecot({ users, tls: certificates.valid, settings: 'login_trusted_networks = 127.0.0.0/8' }),
      startDovecot({
        users,
        tls: certificates.valid,
        settings: `
haproxy_trusted_networks = 127.0.0.0/8
service pop3-login {
  inet_listener pop3 {
    haproxy = yes
  }
  inet_listener pop3s {
    haproxy = yes
  }
}`,
      }),
    ]);
    postern = await startPostern([
      { name: 'xtls', port: trusting.pop3sPort, tls: 'implicit', clientInfo: 'xclient' },
      { name: 'xstls', port: trusting.pop3Port, tls: 'starttls', clientInfo: 'xclient' },
      { name: 'ptls', port: behindProxy.pop3sPort, tls: 'implicit', clientInfo: 'proxy-v2' },
      { name: 'pstls', port: behindProxy.pop3Port, tls: 'starttls', clientInfo: 'proxy-v2' },
    ]);
  });
  afterAll(async () => {
    await postern?.[Symbol.asyncDispose]();
    await Promise.all([trusting?.[Symbol.asyncDispose](), behindProxy?.[Symbol.asyncDispose]()]);
  });

  /** The line that Dovecot logs for a login of this user from this address. */
  function loginLine(user: string, address: string): Promise<string> {
    return eventually(() => {
      const log = `${trusting.log()}${behindProxy.log()}`;
      const line = log
        .split('\n')
        .find((each) => each.includes(`Login: user=<${user}>`) && each.includes(`rip=${address},`));
      if (line === undefined) throw new Error(`Cannot find a login of ${user} from ${address}: ${log}`);
      return line;
    });
  }

  describe.each([
    ['XCLIENT under TLS', 'user@xtls.test'],
    ['XCLIENT behind STLS', 'user@xstls.test'],
    ['a PROXY header ahead of TLS', 'user@ptls.test'],
    ['a PROXY header ahead of STLS', 'user@pstls.test'],
  ])('by %s', (_, user) => {
    test('for a client that connects itself', async () => {
      using client = await connectGreeted({ port: postern.port('lan'), localAddress: '127.0.1.44' });
      expect(await client.logIn(user, password)).toMatch(/^\+OK/);
      expect(await client.command('STAT')).toBe('+OK 0 0');
      await loginLine(user, '127.0.1.44');
    });

    test.each([
      ['IPv4', '192.0.2.77', 'PROXY TCP4 192.0.2.77 198.51.100.9 51000 110\r\n'],
      ['IPv6', '2001:db8::77', 'PROXY TCP6 2001:db8::77 2001:db8::9 51000 110\r\n'],
    ])('for a client of %s behind a balancer', async (__, address, header) => {
      using client = await connectFor(postern, header);
      expect(await client.logIn(user, password)).toMatch(/^\+OK/);
      await loginLine(user, address);
    });

    test('for one whose login it refuses', async () => {
      using client = await connectFor(postern, 'PROXY TCP4 192.0.2.78 198.51.100.9 51000 110\r\n');
      expect(await client.logIn(user, 'wrong')).toMatch(/^-ERR \[AUTH\]/);
      await client.command('QUIT');
      await eventually(() => {
        const log = `${trusting.log()}${behindProxy.log()}`;
        expect(log).toMatch(new RegExp(`auth failed.*user=<${user}>.*rip=192\\.0\\.2\\.78,`));
      });
    });
  });

  test('and of the session', async () => {
    using client = await connectFor(postern, 'PROXY TCP4 192.0.2.79 198.51.100.9 51000 110\r\n');
    await client.logIn('user@xtls.test', password);
    const opened = await postern.waitForLog('sessionOpened', { address: '192.0.2.79' });
    expect(await loginLine('user@xtls.test', '192.0.2.79')).toContain(`session=<${opened.session}>`);
  });

  test('and a probe, which is for no client, is let in behind a LOCAL header', async () => {
    const upstream: Upstream = {
      name: 'ptls',
      host: '127.0.0.1',
      port: behindProxy.pop3sPort,
      tls: 'implicit',
      serverName: 'localhost',
      minVersion: 'TLSv1.2',
      ca: certificates.ca,
      username: 'address',
      clientInfo: 'proxy-v2',
    };
    const memory = new UpstreamMemory(upstream, () => performance.now());
    expect(await converse({ upstream, memory, isOwnEndpoint: () => false })).toEqual({ kind: 'greeted' });
  });
});

describe('an upstream without XCLIENT', () => {
  test.each([
    ['is logged in to without, and logged once', '+OK ready', undefined, 'It does not offer XCLIENT', 0],
    ['that refuses it all the same', '+OK [XCLIENT] ready', '-ERR no', 'It refused XCLIENT with "no"', 2],
  ])('%s', async (_, greeting, reply, detail, sent) => {
    await using upstream = await startScriptedUpstream({
      tls: { ...certificates.valid, start: 'implicit' },
      greeting: `${greeting}\r\n`,
      answer: (line) => (line.startsWith('XCLIENT') && reply !== undefined ? `${reply}\r\n` : undefined),
    });
    await using postern = await startPostern([
      { name: 'corp', port: upstream.port, tls: 'implicit', clientInfo: 'xclient' },
    ]);
    for (const _login of [1, 2]) {
      using client = await connectGreeted({ port: postern.port('lan') });
      expect(await client.logIn('user@corp.test', password)).toMatch(/^\+OK/);
    }
    const lines = upstream.connections.flatMap((connection) => connection.lines);
    expect(lines.filter((line) => line.startsWith('XCLIENT')).length).toBe(sent);
    expect(postern.logged('clientInfoNotTaken')).toMatchObject([{ upstream: 'corp', detail }]);
  });

  test('gets XCLIENT with address, port, session and time to live ahead of the credentials', async () => {
    await using upstream = await startScriptedUpstream({
      tls: { ...certificates.valid, start: 'implicit' },
      answer: (line) => (line === 'CAPA' ? '+OK\r\nUSER\r\nXCLIENT\r\n.\r\n' : undefined),
    });
    await using postern = await startPostern([
      { name: 'corp', port: upstream.port, tls: 'implicit', clientInfo: 'xclient' },
    ]);
    using client = await connectFor(postern, 'PROXY TCP6 2001:db8::77 2001:db8::9 51000 110\r\n');
    await client.logIn('user@corp.test', password);
    const opened = await postern.waitForLog('sessionOpened', { address: '2001:db8::77' });
    const [connection] = upstream.connections;
    expect(connection?.lines.slice(0, 3)).toEqual([
      'CAPA',
      `XCLIENT ADDR=2001:db8::77 PORT=51000 SESSION=${opened.session} TTL=7`,
      'USER user@corp.test',
    ]);
  });
});
