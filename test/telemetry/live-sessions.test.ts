import { describe, expect, it } from 'vitest';
import { LiveSessionRegistry, type SessionQuery } from '../../src/telemetry/live-sessions.ts';
import { events } from './events.ts';

function registryWith(count: number): LiveSessionRegistry {
  const registry = new LiveSessionRegistry(() => 1_000);
  for (let index = 1; index <= count; index += 1) registry.record(events.opened({ sessionId: `s${index}` }));
  return registry;
}

function idsOf(registry: LiveSessionRegistry, query?: SessionQuery): readonly string[] {
  return registry.list(query).sessions.map((session) => session.id);
}

describe('LiveSessionRegistry', () => {
  it('shows a session in the authorization state once it has opened', () => {
    const registry = registryWith(1);
    expect(registry.get('s1')).toMatchObject({
      listener: 'lan',
      address: '192.0.2.7',
      port: 40_000,
      transport: 'plaintext',
      state: 'authorization',
      openedAtMs: 1_000,
    });
    expect(registry.count('lan', 'authorization')).toBe(1);
  });

  it('follows a session through STLS and login into the transaction state, octets included', () => {
    const registry = registryWith(1);
    const traffic = { toUpstream: 0, toClient: 0 };
    registry.record(events.clientTls());
    registry.record(events.connected());
    registry.record(events.login());
    registry.record(events.relaying(traffic));
    traffic.toClient = 5_000;
    expect(registry.get('s1')).toMatchObject({
      transport: 'stls',
      state: 'transaction',
      account: 'user@att.net',
      upstream: 'att',
      relayingSinceMs: 1_000,
      clientTls: { version: 'TLSv1.3' },
      upstreamTls: { version: 'TLSv1.3' },
      traffic: { toClient: 5_000 },
    });
    expect(registry.count('lan', 'transaction')).toBe(1);
    expect(registry.count('lan', 'authorization')).toBe(0);
  });

  it('forgets a session when it closes', () => {
    const registry = registryWith(2);
    registry.record(events.closed({ sessionId: 's1' }));
    expect(registry.get('s1')).toBeUndefined();
    expect(registry.size).toBe(1);
  });

  it('ignores events of sessions that it does not know', () => {
    const registry = registryWith(0);
    registry.record(events.login());
    registry.record(events.closed());
    expect(registry.size).toBe(0);
  });

  it('lists pages in the order of opening, and ends where there are no more', () => {
    const registry = registryWith(4);
    const first = registry.list({ limit: 2 });
    expect(first.sessions.map((session) => session.id)).toEqual(['s1', 's2']);
    const second = registry.list({ limit: 2, ...(first.nextCursor !== undefined && { cursor: first.nextCursor }) });
    expect(second.sessions.map((session) => session.id)).toEqual(['s3', 's4']);
    expect(second.nextCursor).toBeUndefined();
  });

  it('continues after a page whose sessions have ended or changed meanwhile', () => {
    const registry = registryWith(3);
    const { nextCursor } = registry.list({ limit: 2 });
    registry.record(events.login({ sessionId: 's1' }));
    registry.record(events.closed({ sessionId: 's2' }));
    expect(idsOf(registry, { ...(nextCursor !== undefined && { cursor: nextCursor }) })).toEqual(['s3']);
  });

  it('filters by account, address and listener together', () => {
    const registry = registryWith(2);
    registry.record(events.opened({ sessionId: 's3', listener: 'wan', address: '192.0.2.8' }));
    registry.record(events.login({ sessionId: 's2' }));
    expect(idsOf(registry, { account: 'user@att.net' })).toEqual(['s2']);
    expect(idsOf(registry, { address: '192.0.2.8' })).toEqual(['s3']);
    expect(idsOf(registry, { listener: 'lan' })).toEqual(['s1', 's2']);
    expect(idsOf(registry, { listener: 'wan', account: 'user@att.net' })).toEqual([]);
  });

  it('shows an account with control characters as printable text', () => {
    const registry = registryWith(1);
    registry.record(events.login({ account: 'a\u001b[2J@att.net' }));
    expect(registry.get('s1')?.account).toBe('a\\u{1b}[2J@att.net');
  });

  it.each(['S2', 's2', '@ATT', '192.0.2', 'LAN', 'att'])('finds sessions by a part of what they show: %s', (text) => {
    const registry = registryWith(3);
    registry.record(events.login({ sessionId: 's2' }));
    const query = { text: text.toLowerCase() };
    expect(idsOf(registry, query)).toContain('s2');
    expect(registry.countMatching({ ...query, listener: 'lan' })).toBe(idsOf(registry, query).length);
    expect(idsOf(registry, { text: 'nobody' })).toEqual([]);
  });
});
