import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import type { UpstreamFailureReason } from '../../src/policy/upstream-failure.ts';
import { createTestCertificates, type TestCertificates } from '../support/certificates.ts';
import { type Script, type ScriptedUpstream, startScriptedUpstream, startWiretap } from './scripted-upstream.ts';
import { expectFreeOf, type PosternUnderTest, startPosternUnderTest } from './support.ts';
import { connectGreeted } from './wire-client.ts';

const localpart = 'zebedee';
const password = 'Kw4gga-Pa55word';
/** Not one of RFC 6335's services that run anywhere. */
const silentPort = 1;

interface BrokenUpstream {
  readonly reason: UpstreamFailureReason;
  /** What stands behind the host in the reply to the mail user. */
  readonly reply: string;
  readonly isUntrusted?: boolean;
  /** Absent: nothing listens. */
  readonly script?: (certificates: TestCertificates) => Script;
  readonly tls?: 'starttls';
  /** Instead of 127.0.0.1. */
  readonly host?: string;
}

const notSent = ', so your password was not sent. Please tell your administrator';
const tryLater = '. Please try again later';
const withCertificate =
  (kind: Exclude<keyof TestCertificates, 'ca' | 'caFile' | symbol>, start: 'implicit' | 'stls' = 'implicit') =>
  (certificates: TestCertificates): Script => ({ tls: { ...certificates[kind], start } });
const untrusted = (reason: UpstreamFailureReason, what: string): Omit<BrokenUpstream, 'script'> => ({
  reason,
  reply: `${what}${notSent}`,
  isUntrusted: true,
});
const nameless = untrusted('name_mismatch', 'has a certificate for another name');
const withoutStls = { ...untrusted('no_stls', 'does not offer encryption'), tls: 'starttls' } as const;
const injecting = { ...untrusted('injected', 'sent unexpected data before encryption'), tls: 'starttls' } as const;
const closing = { reason: 'reset', reply: `closed the connection${tryLater}` } as const;
const notPop3 = { reason: 'not_pop3', reply: `does not answer as a mail server${tryLater}` } as const;
const answerToStls = (reply: string): Script => ({ answer: (line) => (line === 'STLS' ? reply : undefined) });

const brokenUpstreams: Readonly<Record<string, BrokenUpstream>> = {
  'an expired certificate': {
    ...untrusted('expired', 'has a certificate that has expired'),
    script: withCertificate('expired'),
  },
  'an expired certificate behind STLS': {
    ...untrusted('expired', 'has a certificate that has expired'),
    script: withCertificate('expired', 'stls'),
    tls: 'starttls',
  },
  'a certificate that is not valid yet': {
    ...untrusted('not_yet_valid', 'has a certificate that is not valid yet'),
    script: withCertificate('notYetValid'),
  },
  'a certificate for another name': { ...nameless, script: withCertificate('wrongName') },
  'a certificate for another name behind STLS': {
    ...nameless,
    script: withCertificate('wrongName', 'stls'),
    tls: 'starttls',
  },
  'an unknown issuer': {
    ...untrusted('unknown_issuer', 'has a certificate from an unknown authority'),
    script: withCertificate('otherAuthority'),
  },
  'a self-signed certificate': {
    ...untrusted('self_signed', 'has a certificate that nobody vouches for'),
    script: withCertificate('selfSigned'),
  },
  'TLS 1.1 alone': {
    ...untrusted('protocol_too_old', 'offers only outdated encryption'),
    script: ({ valid }) => ({
      tls: {
        ...valid,
        start: 'implicit',
        minVersion: 'TLSv1.1',
        maxVersion: 'TLSv1.1',
        ciphers: 'DEFAULT@SECLEVEL=0',
      },
    }),
  },
  'no STLS': {
    ...withoutStls,
    script: () => ({ answer: (line) => (line === 'CAPA' ? '+OK\r\nUSER\r\n.\r\n' : '-ERR\r\n') }),
  },
  'no CAPA': { ...withoutStls, script: () => ({ answer: () => '-ERR\r\n' }) },
  'STLS refused': { ...withoutStls, script: () => answerToStls('-ERR not now\r\n') },
  'octets behind the reply to STLS': { ...injecting, script: () => answerToStls('+OK\r\n+OK injected\r\n') },
  'half a line behind the reply to STLS': { ...injecting, script: () => answerToStls('+OK\r\n+') },
  'plaintext where TLS is expected': {
    ...untrusted('not_tls', 'does not speak TLS where it should'),
    script: () => ({}),
  },
  'plaintext behind STLS': {
    ...untrusted('not_tls', 'does not speak TLS where it should'),
    tls: 'starttls',
    script: () => ({
      answer: (line, { socket }) => {
        if (line === 'STLS') socket.once('data', () => socket.write('+OK still here\r\n'));
        return undefined;
      },
    }),
  },
  silence: {
    reason: 'timeout',
    reply: `did not answer in time${tryLater}`,
    script: () => ({ onConnection: swallow }),
  },
  'a closed connection': {
    ...closing,
    script: () => ({
      onConnection: (socket) => {
        socket.end();
        return true;
      },
    }),
  },
  'a reset connection': {
    ...closing,
    script: () => ({
      onConnection: (socket) => {
        socket.resetAndDestroy();
        return true;
      },
    }),
  },
  'a closed connection behind the greeting': {
    ...closing,
    tls: 'starttls',
    script: () => ({
      answer: (_line, { socket }) => {
        socket.destroy();
        return undefined;
      },
    }),
  },
  'an error as greeting': {
    reason: 'unavailable',
    reply: `is not available right now${tryLater}`,
    script: ({ valid }) => ({ tls: { ...valid, start: 'implicit' }, greeting: '-ERR down for maintenance\r\n' }),
  },
  'another protocol': {
    ...notPop3,
    script: ({ valid }) => ({ tls: { ...valid, start: 'implicit' }, greeting: '220 mail.test ESMTP\r\n' }),
  },
  'a line without end': {
    ...notPop3,
    script: ({ valid }) => ({ tls: { ...valid, start: 'implicit' }, greeting: `+OK ${'x'.repeat(8192)}` }),
  },
  'nothing listening': { reason: 'refused', reply: `refuses connections${tryLater}` },
  // No label may be this long (RFC 1035 §2.3.4), so no resolver has to be asked.
  'a name that does not exist': {
    reason: 'dns',
    reply: `cannot be found${tryLater}`,
    host: `${'x'.repeat(64)}.test`,
  },
};

interface Running extends BrokenUpstream {
  readonly name: string;
  readonly port: number;
  readonly heard: Buffer[];
  readonly server?: ScriptedUpstream;
}

describe('an upstream with', () => {
  const stack = new AsyncDisposableStack();
  const running = new Map<string, Running>();
  let postern: PosternUnderTest;

  beforeAll(async () => {
    const certificates = stack.use(await createTestCertificates());
    for (const [index, [title, upstream]] of Object.entries(brokenUpstreams).entries()) {
      const heard: Buffer[] = [];
      const name = `u${index}`;
      if (upstream.script === undefined) {
        running.set(title, { ...upstream, name, heard, port: silentPort });
        continue;
      }
      const server = stack.use(await startScriptedUpstream(upstream.script(certificates)));
      const { port } = stack.use(await startWiretap(server.port, heard));
      running.set(title, { ...upstream, name, heard, server, port });
    }
    postern = stack.use(
      await startPosternUnderTest({
        certificate: certificates.valid,
        sections: `upstreams:${[...running.values()].map((each) => upstreamText(each, certificates)).join('')}`,
        change: withHosts(running),
      }),
    );
  });

  afterAll(() => stack.disposeAsync());

  it.concurrent.each(Object.keys(brokenUpstreams))('%s gets no login', async (title) => {
    const { name, reason, reply, isUntrusted = false, heard, server, host = '127.0.0.1' } = find(running, title);
    using client = await connectGreeted({ port: postern.port('starttls') });
    const user = `${localpart}@${name}.test`;

    expect(await client.logIn(user, password)).toBe(`-ERR [SYS/TEMP] ${host} ${reply}`);

    const result = isUntrusted ? 'untrusted' : 'unreachable';
    expect(postern.logged('loginFinished', { upstream: name })).toMatchObject([{ account: user, result, reason }]);
    const login = `{listener="starttls",upstream="${name}",transport="plaintext",result="${result}"}`;
    expect(await postern.metric(`postern_logins_total${login}`)).toBe(1);
    const failures = `postern_upstream_tls_failures_total{upstream="${name}",reason="${reason}"}`;
    expect(await postern.metric(failures)).toBe(isUntrusted ? 1 : undefined);
    // The session goes on: the user's next try may be at another account.
    expect(await client.command('QUIT')).toMatch(/^\+OK/);
    const received = [
      Buffer.concat(heard).toString('latin1'),
      ...(server?.connections ?? []).flatMap(({ lines }) => lines),
    ];
    expectFreeOf(received.join('\n'), [localpart, password, `\0${user}\0${password}`]);
  });

  it('nothing wrong with it gets the login', async () => {
    await using certificates = await createTestCertificates();
    const heard: Buffer[] = [];
    await using server = await startScriptedUpstream(withCertificate('valid')(certificates));
    await using tap = await startWiretap(server.port, heard);
    await using healthy = await startPosternUnderTest({
      certificate: certificates.valid,
      sections: `upstreams: [{name: corp, host: 127.0.0.1, port: ${tap.port}, ca: ${certificates.caFile}, domains: [corp.test]}]`,
    });
    using client = await connectGreeted({ port: healthy.port('starttls') });

    expect(await client.logIn(`${localpart}@corp.test`, password)).toMatch(/^\+OK/);

    expect((await server.connection()).lines.slice(-2)).toEqual([`USER ${localpart}@corp.test`, `PASS ${password}`]);
    expect(Buffer.concat(heard).length).toBeGreaterThan(0);
    expectFreeOf(Buffer.concat(heard).toString('latin1'), [localpart, password]);
  });
});

function upstreamText({ name, port, tls }: Running, { caFile }: TestCertificates): string {
  return `\n  - {name: ${name}, host: 127.0.0.1, port: ${port}, tls: ${tls ?? 'implicit'}, ca: ${caFile}, domains: [${name}.test]}`;
}

/** Puts in the hosts that no configuration file is let have. */
function withHosts(running: ReadonlyMap<string, Running>): (config: Config) => Config {
  const hosts = new Map([...running.values()].flatMap(({ name, host }) => (host === undefined ? [] : [[name, host]])));
  return (config) => ({
    ...config,
    upstreams: config.upstreams.map((upstream) => ({ ...upstream, host: hosts.get(upstream.name) ?? upstream.host })),
  });
}

function find(running: ReadonlyMap<string, Running>, title: string): Running {
  const found = running.get(title);
  if (found === undefined) throw new Error(`Cannot find "${title}": it was not started`);
  return found;
}

/** Takes everything and answers nothing. */
function swallow(socket: Socket): true {
  socket.resume();
  return true;
}
