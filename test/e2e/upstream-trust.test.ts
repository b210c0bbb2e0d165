import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publicKeyPin } from '../../src/net/peer-chain.ts';
import { type AuthorityChain, createAuthorityChain } from '../support/authority-chain.ts';
import { createTestCertificates } from '../support/certificates.ts';
import { type Dovecot, startDovecot } from '../support/dovecot.ts';
import { program } from '../support/programs.ts';
import { expectFreeOf, type PosternUnderTest, startPosternUnderTest } from './support.ts';
import { connectGreeted } from './wire-client.ts';

const password = 'pin-Pa55word-not-to-be-seen';
const pinOf = (pem: string): string => publicKeyPin(new X509Certificate(pem));

/** Upstreams that are all the same Dovecot; each serves the domain of its name. */
const trusted = ['leaf-pin', 'intermediate-pin', 'root-pin', 'current-lists'];
const untrusted = {
  'wrong-pin': { reason: 'pin_mismatch', reply: 'has a certificate that is not the expected one' },
  revoked: { reason: 'revoked', reply: 'has a certificate that was revoked' },
  'outdated-list': { reason: 'crl_unusable', reply: 'has a certificate whose revocation cannot be checked' },
  'no-list': { reason: 'crl_unusable', reply: 'has a certificate whose revocation cannot be checked' },
} as const;

describe.skipIf(program('dovecot') === undefined)('a Dovecot behind', () => {
  const stack = new AsyncDisposableStack();
  let chain: AuthorityChain;
  let dovecot: Dovecot;
  let postern: PosternUnderTest;

  beforeAll(async () => {
    chain = stack.use(await createAuthorityChain());
    const users = Object.fromEntries(
      [...trusted, ...Object.keys(untrusted)].map((name) => [`user@${name}.test`, password]),
    );
    dovecot = stack.use(await startDovecot({ users, tls: chain.good }));
    const revoked = stack.use(await startDovecot({ users, tls: chain.revoked }));
    const certificates = stack.use(await createTestCertificates());
    const crl = {
      root: await chain.file('root.crl', chain.crl.root),
      both: await chain.file('both.crl', `Two lists:\n${chain.crl.root}${chain.crl.intermediate}`),
      outdated: await chain.file('outdated.crl', chain.crl.outdated),
    };
    const keys: Readonly<Record<string, string>> = {
      'leaf-pin': `pins: ["${pinOf(chain.good.leaf)}"]`,
      'intermediate-pin': `pins: ["${pinOf(chain.revoked.leaf)}", "${pinOf(chain.intermediate)}"]`,
      'root-pin': `tls: starttls, port: ${dovecot.pop3Port}, pins: ["${pinOf(chain.root)}"]`,
      'current-lists': `crl: [${crl.both}]`,
      'wrong-pin': `tls: starttls, port: ${dovecot.pop3Port}, pins: ["${pinOf(chain.revoked.leaf)}"]`,
      revoked: `port: ${revoked.pop3sPort}, crl: [${crl.both}]`,
      'outdated-list': `crl: [${crl.root}, ${crl.outdated}]`,
      'no-list': `crl: [${crl.root}]`,
    };
    const ca = await chain.file('root.pem', chain.root);
    const upstreams = Object.entries(keys).map(([name, more]) => {
      const port = more.includes('port:') ? '' : `port: ${dovecot.pop3sPort}, `;
      return `\n  - {name: ${name}, host: 127.0.0.1, ca: ${ca}, domains: [${name}.test], ${port}${more}}`;
    });
    postern = stack.use(
      await startPosternUnderTest({
        certificate: certificates.valid,
        sections: `upstreams:${upstreams.join('')}\nlimits: {exempt: [127.0.0.1]}`,
      }),
    );
  });
  afterAll(() => stack.disposeAsync());

  it.each(trusted)('%s gets the login, again when the session is resumed', async (name) => {
    for (const isResumed of [false, true]) {
      using client = await connectGreeted({ port: postern.port('starttls') });
      expect(await client.logIn(`user@${name}.test`, password)).toMatch(/^\+OK/);
      expect(await shown(name)).toMatchObject({
        lastConnection: { tlsVersion: 'TLSv1.3', keyExchange: expect.stringMatching(/^\w+/), isResumed },
        lastFailure: null,
      });
      const { sessions } = await json(`/api/v1/sessions?account=user@${name}.test`);
      expect(sessions).toMatchObject([{ upstreamTls: { version: 'TLSv1.3', isResumed } }]);
      expect(await client.command('QUIT')).toMatch(/^\+OK/);
    }
  });

  it.each(Object.entries(untrusted))('%s gets no credential, and everybody is told why', async (name, expected) => {
    const user = `user@${name}.test`;
    using client = await connectGreeted({ port: postern.port('starttls') });
    expect(await client.logIn(user, password)).toBe(
      `-ERR [SYS/TEMP] 127.0.0.1 ${expected.reply}, so your password was not sent. Please tell your administrator`,
    );

    const series = `postern_upstream_tls_failures_total{upstream="${name}",reason="${expected.reason}"}`;
    expect(await postern.metric(series)).toBe(1);
    const { reason } = expected;
    expect(await shown(name)).toMatchObject({ lastFailure: { reason, explanation: expect.stringMatching(/\w+/) } });
    expect(postern.logged('loginFinished', { upstream: name })).toMatchObject([{ result: 'untrusted', reason }]);
    expect(dovecot.log()).not.toContain(user);
  });

  it('any of them keeps the password out of log and API', async () => {
    const api = await (await postern.ask('/api/v1/upstreams')).text();
    expectFreeOf(postern.logText() + api + dovecot.log(), [password]);
  });

  // What comes back is looked at as what it should be, no more.
  async function json(path: string): Promise<Record<string, readonly Record<string, unknown>[]>> {
    return JSON.parse(await (await postern.ask(path)).text());
  }

  async function shown(name: string): Promise<Record<string, unknown> | undefined> {
    return (await json('/api/v1/upstreams')).upstreams?.find((upstream) => upstream.name === name);
  }
});
