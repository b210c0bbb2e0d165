import { describe, expect, it } from 'vitest';
import { OwnEndpoints } from '../../src/net/own-endpoints.ts';

function endpointsAt(...hosts: readonly string[]): OwnEndpoints {
  const endpoints = new OwnEndpoints();
  for (const host of hosts) endpoints.add({ host, port: 110 });
  return endpoints;
}

function connectionTo(remoteAddress: string, { port = 110, from = '192.0.2.1' } = {}) {
  return { remoteAddress, remotePort: port, localAddress: from };
}

describe('has', () => {
  it('knows the addresses it was given, at their ports', () => {
    const endpoints = endpointsAt('192.0.2.7', '2001:db8::7');
    endpoints.add({ host: '192.0.2.8', port: 995 });
    expect(endpoints.has(connectionTo('192.0.2.7'))).toBe(true);
    expect(endpoints.has(connectionTo('2001:db8::7'))).toBe(true);
    expect(endpoints.has(connectionTo('192.0.2.8', { port: 995 }))).toBe(true);
    expect(endpoints.has(connectionTo('192.0.2.7', { port: 995 }))).toBe(false);
    expect(endpoints.has(connectionTo('192.0.2.8'))).toBe(false);
    expect(endpoints.has(connectionTo('192.0.2.9'))).toBe(false);
  });

  it.each([
    { wildcard: '0.0.0.0', to: '127.0.0.1', from: '127.0.0.1', is: true },
    { wildcard: '0.0.0.0', to: '127.0.0.2', from: '127.0.0.1', is: true },
    { wildcard: '0.0.0.0', to: '192.0.2.1', from: '192.0.2.1', is: true },
    { wildcard: '0.0.0.0', to: '192.0.2.9', from: '192.0.2.1', is: false },
    { wildcard: '0.0.0.0', to: '::1', from: '::1', is: false },
    { wildcard: '::', to: '::1', from: '::1', is: true },
    { wildcard: '::', to: '2001:db8::1', from: '2001:db8::1', is: true },
    { wildcard: '::', to: '2001:db8::9', from: '2001:db8::1', is: false },
    { wildcard: '::', to: '127.0.0.1', from: '127.0.0.1', is: false },
  ])('$is: a connection from $from to $to where $wildcard is listened on', ({ wildcard, to, from, is }) => {
    expect(endpointsAt(wildcard).has(connectionTo(to, { from }))).toBe(is);
    expect(endpointsAt(wildcard).has(connectionTo(to, { from, port: 995 }))).toBe(false);
  });

  it('is false where nothing is listened on', () => {
    expect(new OwnEndpoints().has(connectionTo('127.0.0.1'))).toBe(false);
  });
});

describe('remove', () => {
  it('forgets one address of a port, and keeps the others', () => {
    const endpoints = endpointsAt('192.0.2.7', '192.0.2.8');
    endpoints.remove({ host: '192.0.2.7', port: 110 });
    endpoints.remove({ host: '192.0.2.9', port: 995 });
    expect(endpoints.has(connectionTo('192.0.2.7'))).toBe(false);
    expect(endpoints.has(connectionTo('192.0.2.8'))).toBe(true);
  });
});
