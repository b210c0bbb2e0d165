import { describe, expect, test } from 'vitest';
import { noNetworks } from '../../src/policy/networks.ts';
import { isLoginPermitted, type ListenerTls, type Transport } from '../../src/policy/transport.ts';

const listed = '192.168.10.7';
const unlisted = '203.0.113.9';
const onlyListed = { ...noNetworks, includes: (address: string) => address === listed };

describe(isLoginPermitted, () => {
  test.each<[ListenerTls, Transport, string, boolean]>([
    ['starttls', 'plaintext', listed, true],
    ['starttls', 'plaintext', unlisted, false],
    ['starttls', 'stls', listed, true],
    ['starttls', 'stls', unlisted, true],
    ['off', 'plaintext', listed, true],
    ['off', 'plaintext', unlisted, false],
    ['implicit', 'implicit', listed, true],
    ['implicit', 'implicit', unlisted, true],
    ['implicit', 'plaintext', unlisted, false],
  ])('on a listener with tls %s, over %s, from %s is %j', (tls, transport, address, expected) => {
    const client = { transport, address, nowMs: 0 };
    expect(isLoginPermitted({ tls, plaintextFrom: onlyListed }, client)).toBe(expected);
  });

  const endsAtMs = Date.UTC(2027, 6, 1);
  test.each<[string, Transport, string, number, boolean]>([
    ['the moment before the end', 'plaintext', listed, endsAtMs - 1, true],
    ['the end', 'plaintext', listed, endsAtMs, false],
    ['a year after the end', 'plaintext', listed, endsAtMs + 365 * 86_400_000, false],
    ['the moment before the end', 'plaintext', unlisted, endsAtMs - 1, false],
    ['the end', 'stls', listed, endsAtMs, true],
    ['the end', 'implicit', unlisted, endsAtMs, true],
  ])('with an exception that ends, at %s, over %s, from %s', (_, transport, address, nowMs, expected) => {
    for (const tls of ['starttls', 'off'] as const) {
      const policy = { tls, plaintextFrom: onlyListed, plaintextEndsAtMs: endsAtMs };
      expect(isLoginPermitted(policy, { transport, address, nowMs })).toBe(expected);
    }
  });

  test('permits nobody in the clear where no networks are named', () => {
    const policy = { tls: 'starttls', plaintextFrom: noNetworks } as const;
    for (const address of ['127.0.0.1', '::1', listed, '']) {
      const client = { transport: 'plaintext', address, nowMs: 0 } as const;
      expect(isLoginPermitted(policy, client)).toBe(false);
    }
  });
});
