import { describe, expect, it } from 'vitest';
import { LabelNames } from '../../src/telemetry/label.ts';
import { UpstreamHealthRegistry } from '../../src/telemetry/upstream-health.ts';
import { events } from './events.ts';

describe('UpstreamHealthRegistry', () => {
  it('knows nothing of an upstream before the first login', () => {
    const registry = new UpstreamHealthRegistry(new LabelNames(['att']), () => 1);
    expect(registry.get('att')).toBeUndefined();
    expect(registry.list()).toEqual([]);
  });

  it('keeps the last failure beside a later success', () => {
    let nowMs = 10;
    const registry = new UpstreamHealthRegistry(new LabelNames(['att']), () => nowMs);
    registry.record(events.untrusted());
    nowMs = 20;
    registry.record(events.connected());
    registry.record(events.login());
    expect(registry.get('att')).toMatchObject({
      logins: { accepted: 1, untrusted: 1, refused: 0 },
      lastLogin: { result: 'accepted', atMs: 20 },
      lastFailure: { reason: 'expired', detail: 'notAfter=2026-10-05', atMs: 10 },
      lastConnection: { address: '198.51.100.1', tlsVersion: 'TLSv1.3', isResumed: false, durationMs: 40, atMs: 20 },
    });
  });

  it('gathers names that it was not given under "other", however many there are', () => {
    const registry = new UpstreamHealthRegistry(new LabelNames(['att']), () => 1);
    for (let index = 0; index < 50; index += 1) registry.record(events.login({ upstream: `hostile-${index}` }));
    expect(registry.list().map((health) => health.name)).toEqual(['other']);
    expect(registry.get('other')?.logins.accepted).toBe(50);
  });

  it('ignores logins that no upstream serves', () => {
    const registry = new UpstreamHealthRegistry(new LabelNames(['att']), () => 1);
    registry.record(events.unrouted());
    expect(registry.list()).toEqual([]);
  });
});
