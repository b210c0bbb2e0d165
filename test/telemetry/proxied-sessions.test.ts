import { expect, test } from 'vitest';
import { LiveSessionRegistry } from '../../src/telemetry/live-sessions.ts';
import { logLevel, logLine } from '../../src/telemetry/log-line.ts';
import { events } from './events.ts';

const proxied = { proxySource: '10.0.0.5', correlationId: 'balancer-77' };

test('a session behind a balancer shows the balancer and its name for the connection, in log and live view', () => {
  const registry = new LiveSessionRegistry(() => 0);
  registry.record(events.opened(proxied));
  expect(registry.get('s1')).toMatchObject(proxied);
  expect(logLine(events.opened(proxied)).fields).toMatchObject(proxied);
});

test('a session of a client itself shows neither', () => {
  const registry = new LiveSessionRegistry(() => 0);
  registry.record(events.opened());
  for (const key of Object.keys(proxied)) {
    expect(registry.get('s1')).not.toHaveProperty(key);
    expect(logLine(events.opened()).fields).not.toHaveProperty(key);
  }
});

test('a refused header is told apart, printable', () => {
  const refused = { kind: 'connectionRefused', listener: 'lan', address: '10.0.0.5', reason: 'proxy_header' } as const;
  expect(logLine({ ...refused, detail: 'The PROXY header is missing\n' }).fields).toMatchObject({
    reason: 'proxy_header',
    detail: 'The PROXY header is missing\\u{a}',
  });
});

test('an upstream that does not take what it should be told is a warning', () => {
  const event = { kind: 'clientInfoNotTaken', upstream: 'corp', detail: 'It does not offer XCLIENT' } as const;
  expect(logLevel(event)).toBe('warn');
  expect(logLine(event).fields).toEqual({ event: 'clientInfoNotTaken', upstream: 'corp', detail: event.detail });
});
