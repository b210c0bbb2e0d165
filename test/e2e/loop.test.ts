import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { UpstreamConfig } from '../../src/config/config.ts';
import { createTestCertificates } from '../support/certificates.ts';
import { startPosternUnderTest } from './support.ts';
import { connectGreeted } from './wire-client.ts';

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);

type Changeable<T> = { -readonly [K in keyof T]: T[K] };

describe('an upstream that leads back to a listener', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1', 'implicit'],
    ['127.0.0.1', '127.0.0.1', 'starttls'],
    ['127.0.0.1', 'localhost', 'starttls'],
    ['localhost', '127.0.0.1', 'starttls'],
    ['0.0.0.0', '127.0.0.2', 'implicit'],
    ...(hasIpv6 ? ([['[::]', '::1', 'implicit']] as const) : []),
  ] as const)('gets no login, where %s is listened on and %s is dialled by %s', async (listening, host, tls) => {
    await using certificates = await createTestCertificates();
    const itself: { upstream: Changeable<UpstreamConfig> | undefined } = { upstream: undefined };
    await using postern = await startPosternUnderTest({
      certificate: certificates.valid,
      listeners: `
  - {name: gate, address: "${listening}:0", tls: ${tls}}
  - {name: door, address: "127.0.0.1:0", tls: starttls, plaintextFrom: [127.0.0.0/8]}`,
      sections: `upstreams: [{name: itself, host: 192.0.2.1, tls: ${tls}, ca: ${certificates.caFile}, domains: [corp.test]}]`,
      change: (config) => {
        const upstreams = config.upstreams.map((upstream) => ({ ...upstream, host, serverName: 'localhost' }));
        itself.upstream = upstreams[0];
        return { ...config, upstreams };
      },
    });
    // Known only now.
    if (itself.upstream !== undefined) itself.upstream.port = postern.port('gate');
    using client = await connectGreeted({ port: postern.port('door') });

    expect(await client.logIn('user@corp.test', 'secret')).toBe(
      `-ERR [SYS/PERM] ${host} is this gateway itself. Please tell your administrator`,
    );

    expect(postern.logged('loginFinished')).toMatchObject([{ result: 'unreachable', reason: 'loop' }]);
  });
});
