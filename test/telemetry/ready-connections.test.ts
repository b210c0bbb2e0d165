import { describe, expect, it } from 'vitest';
import type { GateEvent } from '../../src/proxy/events.ts';
import { logLevel, logLine } from '../../src/telemetry/log-line.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { corp } from '../proxy/session-under-test.ts';
import { events } from './events.ts';
import { samplesOf, sampleValue } from './metrics.ts';

const tls = { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', isResumed: true };
const made: GateEvent = {
  kind: 'readyConnectionMade',
  upstream: 'att',
  upstreamAddress: '198.51.100.1',
  tls,
  durationMs: 40.4,
  handshakeMs: 20,
};
const failed: GateEvent = {
  kind: 'readyConnectionFailed',
  upstream: 'att',
  failure: { reason: 'refused', detail: 'connect\nECONNREFUSED' },
};

function createTestTelemetry() {
  return createTelemetry({
    log: { level: 'fatal', format: 'json' },
    version: '0',
    runtime: 'test',
    listeners: ['lan'],
    upstreams: ['att'],
    destination: { write: () => {} },
    nowMs: () => 20,
  });
}

describe('telemetry of ready connections', () => {
  it('shows how many wait and what became of the others', async () => {
    const telemetry = createTestTelemetry();
    expect(samplesOf((await telemetry.exposeMetrics('text')).body, 'postern_upstream_ready')).toEqual([]);
    const counts = { used: 5, expired: 3, broken: 2, discarded: 1 };
    telemetry.observeReadyConnections(() => [
      { upstream: 'att', ready: 4, ...counts },
      { upstream: 'unheard-of', ready: 1, ...counts, used: 0 },
    ]);
    // A second scrape counts nothing twice.
    await telemetry.exposeMetrics('text');
    const { body } = await telemetry.exposeMetrics('text');
    expect(samplesOf(body, 'postern_upstream_ready')).toEqual([
      'postern_upstream_ready{upstream="att"} 4',
      'postern_upstream_ready{upstream="other"} 1',
    ]);
    for (const [outcome, count] of Object.entries(counts)) {
      expect(sampleValue(body, 'postern_upstream_ready_total', { upstream: 'att', outcome })).toBe(count);
    }
  });

  it('shows what became of answers that were asked for ahead', async () => {
    const telemetry = createTestTelemetry();
    expect(samplesOf((await telemetry.exposeMetrics('text')).body, 'postern_read_ahead_total')).toEqual([]);
    const att = { ...corp, name: 'att' };
    for (const outcome of ['used', 'used', 'broken'] as const) telemetry.meter.readAhead.count(att, outcome);
    await telemetry.exposeMetrics('text');
    const { body } = await telemetry.exposeMetrics('text');
    const counts = { used: 2, unused: 0, refused: 0, too_large: 0, broken: 1 };
    for (const [outcome, count] of Object.entries(counts)) {
      expect(sampleValue(body, 'postern_read_ahead_total', { upstream: 'att', outcome })).toBe(count);
    }
  });

  it('times a connection once: as it is made, not as it is used', async () => {
    const telemetry = createTestTelemetry();
    telemetry.report(made);
    telemetry.report(events.connected({ durationMs: 0, readyForMs: 700 }));
    telemetry.report(failed);
    const { body } = await telemetry.exposeMetrics('text');
    expect(sampleValue(body, 'postern_upstream_connect_seconds_count', { upstream: 'att' })).toBe(1);
    expect(sampleValue(body, 'postern_upstream_connect_seconds_sum', { upstream: 'att' })).toBeCloseTo(0.0404);
    expect(sampleValue(body, 'postern_upstream_tls_seconds_count', { upstream: 'att' })).toBe(1);
    expect(telemetry.upstreams.get('att')).toMatchObject({
      lastConnection: { address: '198.51.100.1', tlsVersion: 'TLSv1.3', durationMs: 40.4, atMs: 20 },
    });
    expect(telemetry.upstreams.get('att')).not.toHaveProperty('lastFailure');
  });
});

describe('the log', () => {
  it.each([
    {
      event: made,
      fields: {
        event: 'readyConnectionMade',
        upstream: 'att',
        upstreamAddress: '198.51.100.1',
        ...tls,
        durationMs: 40,
      },
    },
    {
      event: failed,
      fields: {
        event: 'readyConnectionFailed',
        upstream: 'att',
        reason: 'refused',
        detail: 'connect\\u{a}ECONNREFUSED',
      },
    },
    { event: events.connected({ durationMs: 0, readyForMs: 700.4 }), fields: { durationMs: 0, readyForMs: 700 } },
  ])('has $event.kind at debug', ({ event, fields }) => {
    expect(logLevel(event)).toBe('debug');
    expect(logLine(event).fields).toMatchObject(fields);
  });
});
