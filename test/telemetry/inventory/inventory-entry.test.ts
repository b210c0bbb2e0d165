import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { transports } from '../../../src/policy/transport.ts';
import { loginResults } from '../../../src/proxy/events.ts';
import {
  formatKey,
  type InventoryEntry,
  mergeEntries,
  parseKey,
  sightingOf,
} from '../../../src/telemetry/inventory/inventory-entry.ts';
import { events } from '../events.ts';

describe('sightingOf', () => {
  it('tells who logged in with which encryption', () => {
    const clientTls = { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', keyExchange: 'X25519', isResumed: true };
    expect(sightingOf(events.login({ clientTls, address: '2001:db8:1:2::7' }), 1_000)).toEqual({
      account: 'user@att.net',
      network: '2001:db8:1:2::/64',
      listener: 'lan',
      transport: 'stls',
      tls: { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', keyExchange: 'X25519' },
      firstSeenMs: 1_000,
      lastSeenMs: 1_000,
      logins: 1,
    });
  });

  it('has no TLS for a login in the clear', () => {
    expect(sightingOf(events.login({ transport: 'plaintext' }), 1)).not.toHaveProperty('tls');
  });

  it.each(loginResults.filter((result) => result !== 'accepted'))('leaves out a login that was %s', (result) => {
    expect(sightingOf(events.login({ result }), 1)).toBeUndefined();
  });

  it('leaves out other events', () => {
    expect(sightingOf(events.opened(), 1)).toBeUndefined();
    expect(sightingOf(events.closed(), 1)).toBeUndefined();
  });

  it('makes an account printable', () => {
    const account = `a\u001b[2J${'b'.repeat(400)}`;
    expect(sightingOf(events.login({ account }), 1)?.account).toMatch(/^a\\u\{1b\}\[2Jb{249}…$/);
  });
});

describe('mergeEntries', () => {
  const entry: InventoryEntry = {
    account: 'user@att.net',
    network: '192.0.2.7',
    listener: 'lan',
    transport: 'stls',
    tls: { version: 'TLSv1.2', cipher: 'old' },
    firstSeenMs: 10,
    lastSeenMs: 20,
    logins: 3,
  };
  const later = { ...entry, tls: { version: 'TLSv1.3', cipher: 'new' }, firstSeenMs: 15, lastSeenMs: 30, logins: 2 };

  it.each([
    [entry, later],
    [later, entry],
  ])('adds up, spans both times and keeps the TLS of the later, in either order', (one, other) => {
    expect(mergeEntries(one, other)).toEqual({ ...later, firstSeenMs: 10, logins: 5 });
  });
});

describe('formatKey', () => {
  const part = fc.string({ unit: 'binary' });

  it('is read back whatever the account is', () => {
    fc.assert(
      fc.property(part, part, part, fc.constantFrom(...transports), (account, network, listener, transport) => {
        const key = { account, network, listener, transport };
        expect(parseKey(formatKey(key))).toEqual(key);
      }),
    );
  });

  it('reads nothing from what is no key', () => {
    for (const text of ['', '{}', '[]', '["a","b","c","carrier pigeon"]', '["a","b","stls"]', '[1,"b","c","stls"]']) {
      expect(parseKey(text)).toBeUndefined();
    }
  });
});
