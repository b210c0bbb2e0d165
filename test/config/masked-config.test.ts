import { describe, expect, it } from 'vitest';
import type { UpstreamConfig } from '../../src/config/config.ts';
import { maskedConfig } from '../../src/config/masked-config.ts';
import { configOf } from './parsing.ts';

const secret = 'pl4nted-s3cret-of-16';

describe('maskedConfig', () => {
  const masked = maskedConfig(
    configOf(`
listeners: [{name: lan, address: "127.0.0.1:1110", tls: starttls, plaintextFrom: [192.168.10.0/24]}]
limits: {hashKey: ${secret}}
redis: {url: "redis://user:${secret}@127.0.0.1:6379/0"}
admin: {tokens: [{name: ops, role: operator, token: ${secret}}]}
`),
  );
  const text = JSON.stringify(masked);

  it('hides secrets and says so', () => {
    expect(text).not.toContain(secret);
    expect(masked).toMatchObject({
      admin: { tokens: [{ name: 'ops', role: 'operator', token: '(hidden)' }] },
      limits: { hashKey: '(hidden)' },
    });
  });

  it('shows everything else, defaults included', () => {
    expect(masked).toMatchObject({
      listeners: [{ name: 'lan', port: 1110, plaintextFrom: ['192.168.10.0/24'] }],
      sessions: { maxTotal: 10_000 },
      log: { level: 'info' },
    });
  });

  it('tells how many certificates a PEM text has', () => {
    const certificate = '-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n';
    const config = configOf('listeners: [{name: lan, address: "127.0.0.1:1110", tls: implicit}]');
    const upstream: UpstreamConfig = {
      name: 'corp',
      host: 'mail.corp.test',
      port: 995,
      tls: 'implicit',
      serverName: 'mail.corp.test',
      minVersion: 'TLSv1.2',
      username: 'address',
      domains: [],
      ca: certificate + certificate,
    };
    expect(maskedConfig({ ...config, upstreams: [upstream] })).toMatchObject({
      upstreams: [{ ca: '(PEM: 2 blocks)' }],
    });
  });
});
