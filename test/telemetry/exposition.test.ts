import { describe, expect, it } from 'vitest';
import { createTelemetry, type Telemetry } from '../../src/telemetry/telemetry.ts';
import { events } from './events.ts';
import { sampleValue } from './metrics.ts';

function telemetryWithLogins(): Telemetry {
  const telemetry = createTelemetry({
    log: { level: 'fatal', format: 'json' },
    destination: { write: () => {} },
    version: '1.2.3',
    runtime: 'test 1',
    listeners: ['lan'],
    upstreams: ['att'],
  });
  telemetry.report(events.login({ sessionId: 's-accepted' }));
  telemetry.report(events.untrusted({ sessionId: 's-untrusted' }));
  // Above the last bound of its histogram.
  telemetry.report(events.connected({ sessionId: 's-slow', durationMs: 90_000 }));
  return telemetry;
}

const login = { listener: 'lan', upstream: 'att', transport: 'stls', result: 'accepted' };

describe('exposeMetrics', () => {
  it('writes text without exemplars', async () => {
    const { contentType, body } = await telemetryWithLogins().exposeMetrics('text');
    expect(contentType).toContain('text/plain');
    expect(body).not.toContain('session_id');
    expect(sampleValue(body, 'postern_logins_total', login)).toBe(1);
  });

  it('writes OpenMetrics with the session behind a sample, and its end', async () => {
    const { contentType, body } = await telemetryWithLogins().exposeMetrics('openMetrics');
    expect(contentType).toContain('application/openmetrics-text');
    expect(body).toMatch(/^# TYPE postern_logins counter$/m);
    expect(body).toMatch(/^postern_logins_total\{.*result="accepted".*\} 1 # \{session_id="s-accepted"\} 1 [\d.]+$/m);
    expect(body).toMatch(/^postern_login_seconds_bucket\{.*le="0\.25".*\} \d # \{session_id="[^"]+"\} 0\.1204\d* /m);
    expect(body).toMatch(/^postern_upstream_tls_failures_total\{.*\} 1 # \{session_id="s-untrusted"\}/m);
    expect(body).toMatch(/^postern_upstream_connect_seconds_bucket\{.*le="\+Inf".*\} 1 # \{session_id="s-slow"\} 90 /m);
    expect(body.endsWith('\n# EOF\n')).toBe(true);
  });

  it('writes the same names and values whatever was asked for before and meanwhile', async () => {
    const telemetry = telemetryWithLogins();
    telemetry.meter.octetsToClient += 7;
    const [first] = await Promise.all([telemetry.exposeMetrics('text'), telemetry.exposeMetrics('openMetrics')]);
    const again = await telemetry.exposeMetrics('openMetrics');
    const last = await telemetry.exposeMetrics('text');
    for (const { body } of [first, again, last]) {
      expect(sampleValue(body, 'postern_relayed_octets_total', { direction: 'to_client' })).toBe(7);
      expect(body).toContain('\npostern_logins_total{');
    }
    expect(last.body).toContain('# TYPE postern_logins_total counter');
  });

  it.each(['text', 'openMetrics'] as const)(
    'writes %s in less than 200 ms with 5,000 sessions open',
    async (format) => {
      const telemetry = telemetryWithLogins();
      for (let number = 1; number <= 5_000; number += 1) telemetry.report(events.opened({ sessionId: `s${number}` }));
      const startedAtMs = performance.now();
      const { body } = await telemetry.exposeMetrics(format);
      expect(performance.now() - startedAtMs).toBeLessThan(200);
      expect(sampleValue(body, 'postern_sessions', { listener: 'lan', state: 'authorization' })).toBe(5_000);
    },
  );
});
