import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RedisTls } from '../../../src/net/redis/redis-options.ts';
import { createAuthorityChain } from '../../support/authority-chain.ts';
import { createTestCertificates, type TestCertificates } from '../../support/certificates.ts';
import { program } from '../../support/programs.ts';
import { startRedis } from '../../support/redis.ts';
import { increment, openConnection } from './connection-under-test.ts';

describe.skipIf(!program('redis-server'))('Redis over TLS', () => {
  let certificates: TestCertificates;
  beforeAll(async () => {
    certificates = await createTestCertificates();
  });
  afterAll(() => certificates[Symbol.asyncDispose]());

  test('is served where its certificate is verified by the given authority', async () => {
    const { ca, valid } = certificates;
    await using server = await startRedis({ password: 's3cret', tls: { certificate: valid, ca } });
    await using tested = openConnection({ url: server.url, tls: { ca } });
    expect(await tested.connection.run(increment)).toBe(1);
    expect(tested.changes[0]?.detail).toBe(`connected to rediss://127.0.0.1:${server.port}/0`);
  });

  test.each([
    ['expired', 'expired', {}],
    ['for another name', 'wrongName', {}],
    ['of an authority that nobody trusts', 'otherAuthority', {}],
    ['self-signed', 'selfSigned', {}],
    ['for another name than the one that is asked for', 'valid', { serverName: 'redis.example.com' }],
  ] as const)('gets no command where its certificate is %s', async (_, kind, more: RedisTls) => {
    const { ca } = certificates;
    await using server = await startRedis({ password: 's3cret', tls: { certificate: certificates[kind], ca } });
    await using tested = openConnection({ url: server.url, tls: { ca, ...more } });
    await expect(tested.connection.run(increment)).rejects.toThrow('it is down');
    expect(tested.changes.map(({ isUp }) => isUp)).toEqual([false]);
    expect(tested.changes[0]?.detail).toMatch(/certificate|altnames|issuer/i);
  });

  test('is verified though the environment says not to', async () => {
    const { ca, otherAuthority } = certificates;
    await using server = await startRedis({ tls: { certificate: otherAuthority, ca } });
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      await using tested = openConnection({ url: server.url, tls: { ca } });
      await tested.becomes(false);
      await expect(tested.connection.run(increment)).rejects.toThrow('it is down');
    } finally {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    }
  });

  test('takes the given name for the certificate’s', async () => {
    const { ca, wrongName } = certificates;
    await using server = await startRedis({ tls: { certificate: wrongName, ca } });
    await using tested = openConnection({ url: server.url, tls: { ca, serverName: 'somewhere-else.test' } });
    expect(await tested.connection.run(increment)).toBe(1);
  });

  test('takes an address for the certificate’s name', async () => {
    const { ca, valid } = certificates;
    await using server = await startRedis({ tls: { certificate: valid, ca } });
    const { url } = server;
    await using tested = openConnection({ url, tls: { ca, serverName: '127.0.0.2' } });
    expect(await tested.connection.run(increment)).toBe(1);
    await using misled = openConnection({ url, tls: { ca, serverName: '127.0.0.9' } });
    await expect(misled.connection.run(increment)).rejects.toThrow('it is down');
  });

  test('is shown a client certificate, and does not serve without where it wants one', async () => {
    await using chain = await createAuthorityChain();
    const ca = chain.root;
    await using server = await startRedis({ tls: { certificate: chain.good, ca, clients: 'required' } });
    await using shown = openConnection({ url: server.url, tls: { ca, certificate: chain.good } });
    expect(await shown.connection.run(increment)).toBe(1);
    await using without = openConnection({ url: server.url, tls: { ca } });
    await expect(without.connection.run(increment)).rejects.toThrow('it is down');
  });

  test('is not spoken to in the clear by a rediss URL', async () => {
    await using server = await startRedis();
    await using tested = openConnection({ url: server.url.replace('redis:', 'rediss:') });
    await expect(tested.connection.run(increment)).rejects.toThrow('it is down');
  });
});

describe.skipIf(!program('redis-server'))('a Redis with users', () => {
  test('counts as down for a user that may not write, and says why', async () => {
    await using server = await startRedis({ args: ['--user', 'reader', 'on', '>s3cret', '~*', '+@read'] });
    await using tested = openConnection({ url: server.url, username: 'reader', password: 's3cret' });
    await tested.becomes(false);
    await expect(tested.connection.run(increment)).rejects.toThrow('it is down');
    expect(tested.changes[0]?.detail).toContain('NOPERM');
  });

  test.each([
    ['a wrong password', 'wr0ng-s3cret'],
    ['a password with characters that URLs escape', 'wr0ng/s3cr@t?'],
  ])('counts as down with %s, which no text shows', async (_, password) => {
    await using server = await startRedis({ password: 's3cret' });
    const url = `redis://:${encodeURIComponent(password)}@127.0.0.1:${server.port}`;
    await using tested = openConnection({ url });
    const error: unknown = await tested.connection.run(increment).catch((reason: unknown) => reason);
    const text = `${tested.changes.map(({ detail }) => detail).join()} ${String(error)}`;
    expect(text).toContain('WRONGPASS');
    expect(text).not.toContain(password);
    expect(text).not.toContain(encodeURIComponent(password));
  });
});
