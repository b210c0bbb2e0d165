import { describe, expect, it } from 'vitest';
import { guardReasons } from '../../src/policy/guard/admission.ts';
import { limitNames } from '../../src/policy/login-limits.ts';
import { transports } from '../../src/policy/transport.ts';
import { upstreamFailureReasons } from '../../src/policy/upstream-failure.ts';
import { closeReasons, type GateEvent, loginResults, refusalReasons } from '../../src/proxy/events.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { events } from './events.ts';

const listeners = ['lan', 'wan'];
const upstreams = ['att', 'gmail'];
const certificates = ['fullchain.pem'];
const other = 'other';

/** Every value that a label may have in Postern's own metrics. */
const closedSets: Readonly<Record<string, readonly string[]>> = {
  listener: [...listeners, other],
  upstream: [...upstreams, 'none', other],
  transport: [...transports, other],
  result: [...loginResults, 'reloaded', 'rejected', other],
  reason: [...refusalReasons, ...closeReasons, ...upstreamFailureReasons, other],
  state: ['authorization', 'transaction'],
  version: ['1.2.3', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3', 'unknown', other],
  runtime: ['test 1'],
  command: ['STAT', 'LIST', 'RETR', 'DELE', 'NOOP', 'RSET', 'TOP', 'UIDL', 'CAPA', 'QUIT', other],
  direction: ['to_upstream', 'to_client'],
  side: ['client', 'upstream'],
  decision: ['allowed', ...guardReasons, other],
  phase: ['admit', 'settle'],
  limit: [...limitNames, other],
  action: ['blocked', 'limited', 'lifted'],
  store: ['redis'],
  operation: [
    'look',
    'release',
    'countFailure',
    'noteAccepted',
    'noteSessions',
    'describeAccount',
    'listBlocks',
  ].concat(['restoreBlocks', 'liftBlock', 'countBlocks', other]),
  name: [...certificates, other],
};

const hostileTexts = ['x"} 1\nevil{a="\u001b[2J', '__proto__', 'constructor', '', 'ÿ'.repeat(10_000), 'user@att.net'];

/** Turns every text below into this one, whatever its type says; `kind` and the store's name are the code's own. */
function poison(value: unknown, text: string): unknown {
  if (typeof value === 'string') return text;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [
      key,
      // The session's id is made by Postern.
      ['kind', 'store', 'sessionId'].includes(key) ? part : poison(part, text),
    ]),
  );
}

const subject = { limit: 'perAddress', subject: '192.0.2.7' } as const;
const everyEvent: readonly GateEvent[] = [
  { kind: 'connectionRefused', listener: 'lan', address: '192.0.2.7', reason: 'max_total' },
  events.opened(),
  events.clientTls({ durationMs: 3 }),
  events.clientTlsFailed(),
  events.connected({ handshakeMs: 4 }),
  events.login({ guardMs: { admitMs: 0.2, settleMs: 0.1 } }),
  events.login({ result: 'limited', guard: { reason: 'limit', limit: 'perAddress' }, guardMs: { admitMs: 0.2 } }),
  events.untrusted(),
  events.relaying({ toUpstream: 0, toClient: 0 }),
  events.closed(),
  { kind: 'loginBlocked', ...subject, durationMs: 60_000 },
  { kind: 'loginLimited', ...subject, retryAfterMs: 60_000 },
  { kind: 'blockLifted', ...subject, by: 'ops' },
  { kind: 'storeChanged', store: 'redis', isUp: true, detail: '' },
  { kind: 'certificateReloaded', name: 'fullchain.pem', expiresAtMs: 1_800_000_000_000 },
  { kind: 'certificateRejected', name: 'fullchain.pem', detail: '' },
  { kind: 'configurationReloaded', by: 'ops', changes: ['limits'], needsRestart: [] },
  { kind: 'configurationRejected', by: 'ops', problems: ['postern.yaml: limits'] },
];

async function labelsAfter(reported: readonly GateEvent[]): Promise<readonly (readonly [string, string])[]> {
  const telemetry = createTelemetry({
    log: { level: 'fatal', format: 'json' },
    destination: { write: () => {} },
    version: '1.2.3',
    runtime: 'test 1',
    listeners,
    upstreams,
    certificates,
    plaintextExceptions: [{ listener: 'lan', endsAtMs: 1_800_000_000_000 }],
    maxSessions: 100,
  });
  for (const event of reported) telemetry.report(event);
  for (const text of hostileTexts) telemetry.timeStoreCall(text, 1);
  telemetry.observeCertificates(() => [{ name: 'fullchain.pem', expiresAtMs: 1_800_000_000_000 }]);
  const { body } = await telemetry.exposeMetrics('text');
  const own = body.split('\n').filter((line) => line.startsWith('postern_'));
  // Inside of braces alone: a value that broke out of its quotes would show as a label of another name.
  const sets = own.map((line) => /\{(.*)\}/.exec(line)?.[1] ?? '');
  return sets.flatMap((set) =>
    Array.from(set.matchAll(/([a-z_]+)="((?:\\.|[^"\\])*)"/g), ([, name = '', value = '']) => [name, value] as const),
  );
}

function outsideOfSets(labels: readonly (readonly [string, string])[]): readonly string[] {
  const outside = labels.filter(([name, value]) => name !== 'le' && !closedSets[name]?.includes(value));
  return [...new Set(outside.map(([name, value]) => `${name}="${value}"`))];
}

describe('label values', () => {
  it.each(hostileTexts)('stay in their closed sets whatever peers send: text %#', async (text) => {
    const hostile = everyEvent.map((event) => poison(event, text) as GateEvent);
    const labels = await labelsAfter([...everyEvent, ...hostile]);
    expect(outsideOfSets(labels)).toEqual([]);
    for (const name of ['listener', 'upstream', 'result', 'decision', 'limit', 'reason', 'name', 'operation']) {
      expect(labels).toContainEqual([name, other]);
    }
  });

  it('are looked at in this test for every label there is', async () => {
    const names = new Set((await labelsAfter(everyEvent)).map(([name]) => name));
    expect([...names].toSorted()).toEqual(['le', ...Object.keys(closedSets)].toSorted());
  });
});

describe('names of a configuration that is read anew', () => {
  it('are labels from then on, and those from before stay', async () => {
    const telemetry = createTelemetry({
      log: { level: 'fatal', format: 'json' },
      destination: { write: () => {} },
      version: '1.2.3',
      runtime: 'test 1',
      listeners,
      upstreams,
      maxSessions: 100,
    });
    const shown = async (): Promise<string> => (await telemetry.exposeMetrics('text')).body;
    telemetry.report(events.opened({ listener: 'office' }));
    expect(await shown()).toContain('postern_connections_total{listener="other"} 1');

    telemetry.reconfigure({
      listeners: ['office'],
      upstreams: ['corp'],
      certificates: ['new.pem'],
      maxSessions: 7,
      plaintextExceptions: [{ listener: 'office', endsAtMs: 1_800_000_000_000 }],
    });
    telemetry.report(events.opened({ listener: 'office' }));
    telemetry.report(events.opened({ listener: 'lan' }));
    telemetry.report(events.login({ listener: 'office', upstream: 'corp' }));

    const body = await shown();
    for (const series of [
      'postern_connections_total{listener="office"} 1',
      'postern_connections_total{listener="lan"} 1',
      'postern_sessions_closed_total{listener="office",reason="quit"} 0',
      'postern_certificate_reloads_total{name="new.pem",result="reloaded"} 0',
      'postern_plaintext_exception_seconds{listener="office"} 1800000000',
      'postern_sessions_max 7',
      'upstream="corp"',
    ]) {
      expect(body).toContain(series);
    }
    expect(telemetry.upstreams.get('corp')).toBeDefined();
  });
});
