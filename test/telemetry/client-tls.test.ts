import { describe, expect, it } from 'vitest';
import type { ClientIdentity } from '../../src/policy/client-certificate.ts';
import { logLevel, logLine } from '../../src/telemetry/log-line.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { events } from './events.ts';
import { samplesOf, sampleValue } from './metrics.ts';

const scanner: ClientIdentity = {
  subject: 'O=Corp, CN=scanner-3',
  commonName: 'scanner-3',
  fingerprint: 'ab'.repeat(32),
};
const expiresAtMs = Date.parse('2027-01-31T12:00:00Z');
const reloaded = { kind: 'certificateReloaded', name: 'mail.pem', expiresAtMs } as const;
const rejected = { kind: 'certificateRejected', name: 'mail.pem', detail: 'its key belongs to another' } as const;
const ending = {
  kind: 'plaintextExceptionEnding',
  listener: 'lan',
  endsAtMs: Date.parse('2027-07-01T00:00:00Z'),
} as const;

function telemetry() {
  return createTelemetry({
    log: { level: 'fatal', format: 'json' },
    version: '1',
    runtime: 'test',
    listeners: ['lan'],
    upstreams: ['att'],
    certificates: ['mail.pem'],
    plaintextExceptions: [{ listener: 'lan', endsAtMs: ending.endsAtMs }],
    destination: { write: () => {} },
  });
}

describe('metrics of clients’ TLS', () => {
  it('count handshakes that fail and certificates that change', async () => {
    const { report, exposeMetrics } = telemetry();
    const failures = { listener: 'lan', transport: 'stls' };
    const before = (await exposeMetrics('text')).body;
    expect(sampleValue(before, 'postern_client_tls_failures_total', failures)).toBe(0);
    expect(sampleValue(before, 'postern_certificate_reloads_total', { name: 'mail.pem', result: 'rejected' })).toBe(0);
    for (const event of [events.clientTlsFailed(), reloaded, reloaded, rejected]) report(event);
    const after = (await exposeMetrics('text')).body;
    expect(sampleValue(after, 'postern_client_tls_failures_total', failures)).toBe(1);
    expect(sampleValue(after, 'postern_certificate_reloads_total', { name: 'mail.pem', result: 'reloaded' })).toBe(2);
    expect(sampleValue(after, 'postern_certificate_reloads_total', { name: 'mail.pem', result: 'rejected' })).toBe(1);
  });

  it('keep the names of certificates a closed set', async () => {
    const { report, exposeMetrics } = telemetry();
    report({ ...reloaded, name: 'evil"} 1\n' });
    const text = (await exposeMetrics('text')).body;
    expect(sampleValue(text, 'postern_certificate_reloads_total', { name: 'other' })).toBe(1);
    expect(samplesOf(text, 'postern_certificate_reloads_total')).toHaveLength(3);
  });

  it('tell when logins without TLS end', async () => {
    const text = (await telemetry().exposeMetrics('text')).body;
    expect(sampleValue(text, 'postern_plaintext_exception_seconds', { listener: 'lan' })).toBe(ending.endsAtMs / 1000);
  });

  it('time no upstream that was not asked', async () => {
    const { report, exposeMetrics } = telemetry();
    report(events.login({ result: 'denied', deniedBy: 'certificateAccounts' }));
    const text = (await exposeMetrics('text')).body;
    expect(sampleValue(text, 'postern_logins_total', { result: 'denied' })).toBe(1);
    expect(samplesOf(text, 'postern_login_seconds_count')).toEqual([]);
  });
});

describe('log lines of clients’ TLS', () => {
  it('name a client by its certificate', () => {
    const fields = { certificateSubject: scanner.subject, certificateFingerprint: scanner.fingerprint };
    expect(logLine(events.clientTls({ certificate: scanner })).fields).toMatchObject(fields);
    expect(logLine(events.login({ clientCertificate: scanner })).fields).toMatchObject(fields);
    expect(logLine(events.login()).fields).not.toHaveProperty('certificateSubject');
  });

  it('print nothing of a certificate that a terminal would obey', () => {
    const hostile = '\u001b[2J\nCN=root';
    const identity = { ...scanner, subject: hostile };
    const lines = [
      events.clientTls({ certificate: identity, ignoredCertificate: hostile }),
      events.login({ clientCertificate: identity }),
    ];
    for (const line of lines) expect(JSON.stringify(Object.values(logLine(line).fields))).not.toMatch(/u001b|\\\\n/);
  });

  it('say that a rule of our own denied a login', () => {
    const { message } = logLine(events.login({ result: 'denied', deniedBy: 'certificateAccounts' }));
    expect(message).toBe('Login denied by certificateAccounts');
    expect(logLine(events.login({ result: 'denied' })).message).toBe('Login denied by the upstream for good');
  });

  it.each([
    'http_client',
    'smtp_client',
    'tls_on_plaintext_port',
    'plaintext_on_tls_port',
    'plaintext_after_stls',
  ] as const)('advise on a session that closed for %s', (reason) => {
    expect(logLine(events.closed({ reason })).fields.advice).toEqual(expect.any(String));
  });

  it('advise nothing where nothing is to be done', () => {
    expect(logLine(events.closed({ reason: 'quit' })).fields.advice).toBeUndefined();
  });

  it.each([
    [reloaded, 'info', { name: 'mail.pem', expires: '2027-01-31' }],
    [rejected, 'error', { name: 'mail.pem', detail: rejected.detail }],
    [
      { ...reloaded, kind: 'certificateExpiring', daysLeft: 3 } as const,
      'warn',
      { expires: '2027-01-31', daysLeft: 3 },
    ],
    [{ ...reloaded, kind: 'certificateExpiring', daysLeft: 0 } as const, 'error', { daysLeft: 0 }],
    [{ ...ending, daysLeft: 30 }, 'warn', { listener: 'lan', plaintextUntil: '2027-06-30', daysLeft: 30 }],
    [{ ...ending, daysLeft: 0 }, 'warn', { listener: 'lan', plaintextUntil: '2027-06-30', daysLeft: 0 }],
  ])('tell %j at level %s', (event, level, fields) => {
    expect(logLevel(event)).toBe(level);
    expect(logLine(event).fields).toMatchObject(fields);
  });
});
