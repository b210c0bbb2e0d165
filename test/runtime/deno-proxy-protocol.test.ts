import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ServedPostern, servePostern } from '../e2e/postern-process.ts';
import { eventually, writeConfiguration } from '../e2e/support.ts';
import { connectGreeted } from '../e2e/wire-client.ts';
import { createTestCertificates, type TestCertificates } from '../support/certificates.ts';
import { type Dovecot, startDovecot } from '../support/dovecot.ts';
import { type Haproxy, startHaproxy } from '../support/haproxy.ts';
import { program } from '../support/programs.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { deno } from './deno-command.ts';

const password = 'open sesame';
const balancer = '127.0.0.3';
const listeners = `
  - {name: starttls, address: "127.0.0.1:0", tls: starttls, proxyProtocolFrom: [${balancer}]}
  - {name: implicit, address: "127.0.0.1:0", tls: implicit, proxyProtocolFrom: [${balancer}]}
  - {name: ended, address: "127.0.0.1:0", tls: off, proxyProtocolFrom: [${balancer}], trustProxyTls: true}
`;

describe.skipIf(!program('haproxy') || !program('dovecot'))('on Deno, between HAProxy and Dovecot', () => {
  const stack = new AsyncDisposableStack();
  let certificates: TestCertificates;
  let trusting: Dovecot;
  let behindProxy: Dovecot;
  let postern: ServedPostern;
  let haproxy: Haproxy;

  beforeAll(async () => {
    certificates = stack.use(await createTestCertificates());
    const users = { 'user@trusting.test': password, 'user@proxied.test': password };
    const tls = certificates.valid;
    trusting = stack.use(await startDovecot({ users, tls, settings: 'login_trusted_networks = 127.0.0.0/8' }));
    const settings = `
haproxy_trusted_networks = 127.0.0.0/8
service pop3-login {
  inet_listener pop3s {
    haproxy = yes
  }
}`;
    behindProxy = stack.use(await startDovecot({ users, tls, settings }));
    const { path } = stack.use(await createTemporaryDirectory('deno'));
    await writeFile(join(path, 'ca.pem'), certificates.ca);
    const common = 'host: 127.0.0.1, ca: ca.pem';
    const sections = `
upstreams:
  - {name: trusting, ${common}, port: ${trusting.pop3sPort}, clientInfo: xclient, domains: [trusting.test]}
  - {name: proxied, ${common}, port: ${behindProxy.pop3sPort}, clientInfo: proxy-v2, domains: [proxied.test]}
`;
    const configuration = await writeConfiguration(path, { listeners, sections, certificate: certificates.valid });
    postern = stack.use(await servePostern(configuration, deno(`--allow-read=${path}`, '--allow-net=127.0.0.1')));
    const from = `source ${balancer}`;
    haproxy = stack.use(
      await startHaproxy(
        [
          { name: 'starttls', targetPort: postern.port('starttls'), send: `send-proxy ${from}` },
          { name: 'implicit', targetPort: postern.port('implicit'), send: `send-proxy-v2 ${from}` },
          {
            name: 'ended',
            targetPort: postern.port('ended'),
            send: `send-proxy-v2-ssl ${from}`,
            isTlsTerminated: true,
          },
        ],
        { certificate: certificates.valid },
      ),
    );
  });
  afterAll(() => stack.disposeAsync());

  const frontends = { starttls: '127.0.3.1', implicit: '127.0.3.2', ended: '127.0.3.3' };

  it.each(Object.entries(frontends))('the real client is known through %s and told on', async (frontend, address) => {
    for (const [user, dovecot] of [
      ['user@trusting.test', trusting],
      ['user@proxied.test', behindProxy],
    ] as const) {
      using client = await connectGreeted({
        port: haproxy.port(frontend),
        localAddress: address,
        ...(frontend === 'starttls' ? {} : { implicitTlsCa: certificates.ca }),
      });
      if (frontend === 'starttls') await client.startTls(certificates.ca);
      expect(await client.logIn(user, password)).toMatch(/^\+OK/);
      expect(await client.command('STAT')).toBe('+OK 0 0');
      await eventually(() => expect(dovecot.log()).toMatch(new RegExp(`Login: user=<${user}>.* rip=${address},`)));
    }
  });
});
