import { describe, expect, it } from 'vitest';
import { formatEndpoint, readDomain, readEndpoint, readHost } from '../../src/config/endpoint.ts';
import { Refusal } from '../../src/config/scalar.ts';

function reasonOf(value: unknown): string {
  return value instanceof Refusal ? value.reason : `accepted: ${JSON.stringify(value)}`;
}

describe('readEndpoint', () => {
  it.each([
    ['0.0.0.0:110', '0.0.0.0', 110],
    ['[::]:110', '::', 110],
    ['[FD00:0::1]:65535', 'fd00::1', 65_535],
    ['localhost:0', 'localhost', 0],
    ['Mail.Example.com:995', 'mail.example.com', 995],
  ])('reads %s', (text, host, port) => {
    expect(readEndpoint(text)).toEqual({ host, port });
  });

  it.each([
    ['127.0.0.1', 'an address and a port'],
    [':110', 'an address and a port'],
    ['127.0.0.1:', 'an address and a port'],
    ['256.0.0.1:110', 'an address and a port'],
    ['[127.0.0.1]:110', 'an address and a port'],
    ['[::]', 'an address and a port'],
    ['pop3://127.0.0.1:110', 'an address and a port'],
    ['127.0.0.1:65536', 'a port is a number from 0 to 65535'],
    [':::110', 'in brackets'],
    ['::1', 'in brackets'],
  ])('says what is wrong with %j', (text, reason) => {
    expect(reasonOf(readEndpoint(text))).toContain(reason);
  });

  it('reads again what formatEndpoint wrote', () => {
    for (const text of ['127.0.0.1:1110', '[::1]:1110', 'localhost:1110']) {
      const endpoint = readEndpoint(text);
      expect(endpoint instanceof Refusal ? '' : formatEndpoint(endpoint)).toBe(text);
    }
  });
});

describe('readHost', () => {
  it.each([
    ['Mail.Example.COM', 'mail.example.com'],
    ['corp', 'corp'],
    ['10.0.0.5', '10.0.0.5'],
    ['2001:DB8::0:1', '2001:db8::1'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ])('reads %s as %s', (text, host) => {
    expect(readHost(text)).toBe(host);
  });

  it.each([
    '',
    '-a.example',
    'a-.example',
    'a..example',
    'example.',
    '10.0.0.300',
    'a_b.example',
    'a b',
    `${'a'.repeat(64)}.example`,
  ])('refuses %j', (text) => {
    expect(reasonOf(readHost(text))).toBe('a host name or an IP address');
  });

  it.each(['[::1]', 'mail.example.com:995', 'https://mail.example.com'])('says that %s has too much', (text) => {
    expect(reasonOf(readHost(text))).toContain('without brackets, port or path');
  });

  it('asks for the xn-- form of an international name', () => {
    expect(reasonOf(readHost('bücher.example'))).toContain('xn-- form');
  });
});

describe('readDomain', () => {
  it.each([
    ['Example.com', 'example.com'],
    ['*.Example.com', '*.example.com'],
    ['corp', 'corp'],
  ])('reads %s as %s', (text, domain) => {
    expect(readDomain(text)).toBe(domain);
  });

  it.each(['*', '*.', '**.example.com', 'mail.*.com', '*example.com', '10.0.0.1', ''])('refuses %j', (text) => {
    expect(reasonOf(readDomain(text))).toContain('a domain such as example.com');
  });

  it('says what to leave out of an address', () => {
    expect(reasonOf(readDomain('user@example.com'))).toContain('without what stands before the @');
  });
});
