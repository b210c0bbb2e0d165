import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { GateEvent } from '../../src/proxy/events.ts';
import { createTelemetry, type TelemetryOptions } from '../../src/telemetry/telemetry.ts';
import { events } from './events.ts';
import { samplesOf, sampleValue } from './metrics.ts';

function telemetryWith(change: Partial<TelemetryOptions> = {}) {
  const lines: string[] = [];
  const telemetry = createTelemetry({
    log: { level: 'debug', format: 'json' },
    version: '1.2.3',
    runtime: 'test 1',
    listeners: ['lan', 'wan'],
    upstreams: ['att', 'gmail'],
    destination: { write: (line) => void lines.push(line) },
    nowMs: () => 1_000,
    ...change,
  });
  return { telemetry, lines, scrape: async () => (await telemetry.exposeMetrics('text')).body };
}

const hostile = 'x"} 1\nevil{a="\u001b[2J';
const noBlocks = {
  perAddress: 0,
  perNetwork: 0,
  perAccount: 0,
  perAddressAndAccount: 0,
  accountsPerNetwork: 0,
  passwordsPerAccount: 0,
};
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

describe('createTelemetry: metrics', () => {
  it('starts at zero what has few series', async () => {
    const { scrape } = telemetryWith();
    const text = await scrape();
    expect(sampleValue(text, 'postern_build_info', { version: '1.2.3', runtime: 'test 1' })).toBe(1);
    expect(sampleValue(text, 'postern_connections_total', { listener: 'wan' })).toBe(0);
    expect(sampleValue(text, 'postern_connections_refused_total', { listener: 'lan', reason: 'draining' })).toBe(0);
    expect(sampleValue(text, 'postern_sessions', { listener: 'lan', state: 'transaction' })).toBe(0);
    expect(sampleValue(text, 'postern_session_seconds_count', { listener: 'lan' })).toBe(0);
    expect(sampleValue(text, 'postern_commands_total', { command: 'RETR' })).toBe(0);
    expect(sampleValue(text, 'postern_relayed_octets_total', { direction: 'to_client' })).toBe(0);
    expect(sampleValue(text, 'postern_login_limits_total', { limit: 'perAccount', action: 'lifted' })).toBe(0);
    expect(samplesOf(text, 'postern_store_up')).toEqual([]);
    expect(sampleValue(text, 'process_cpu_seconds_total')).toBeGreaterThan(0);
  });

  it('counts a session from its opening to its close', async () => {
    const { telemetry, scrape } = telemetryWith();
    for (const event of [events.opened(), events.clientTls(), events.connected(), events.login()]) {
      telemetry.report(event);
    }
    telemetry.report(events.relaying({ toUpstream: 0, toClient: 0 }));
    const during = await scrape();
    expect(sampleValue(during, 'postern_sessions', { listener: 'lan', state: 'transaction' })).toBe(1);
    expect(sampleValue(during, 'postern_connections_total', { listener: 'lan' })).toBe(1);
    const tls = { listener: 'lan', transport: 'stls', version: 'TLSv1.3' };
    expect(sampleValue(during, 'postern_client_tls_total', tls)).toBe(1);
    const login = { listener: 'lan', upstream: 'att', transport: 'stls', result: 'accepted' };
    expect(sampleValue(during, 'postern_logins_total', login)).toBe(1);
    expect(sampleValue(during, 'postern_login_seconds_sum', { upstream: 'att' })).toBeCloseTo(0.1204);
    expect(sampleValue(during, 'postern_upstream_connect_seconds_sum', { upstream: 'att' })).toBeCloseTo(0.04);

    telemetry.report(events.closed());
    const after = await scrape();
    expect(sampleValue(after, 'postern_sessions', { listener: 'lan', state: 'transaction' })).toBe(0);
    expect(sampleValue(after, 'postern_session_seconds_sum', { listener: 'lan' })).toBe(2);
  });

  it('counts a failed verification apart from an upstream that was not reached', async () => {
    const { telemetry, scrape } = telemetryWith();
    telemetry.report(events.untrusted());
    telemetry.report(events.login({ result: 'unreachable', failure: { reason: 'refused', detail: 'ECONNREFUSED' } }));
    const text = await scrape();
    expect(samplesOf(text, 'postern_upstream_tls_failures_total')).toEqual([
      'postern_upstream_tls_failures_total{upstream="att",reason="expired"} 1',
    ]);
  });

  it('does not time a login that no upstream was asked about', async () => {
    const { telemetry, scrape } = telemetryWith();
    telemetry.report(events.unrouted());
    telemetry.report(events.login({ result: 'limited' }));
    const text = await scrape();
    expect(sampleValue(text, 'postern_logins_total', { upstream: 'none', result: 'unrouted' })).toBe(1);
    expect(samplesOf(text, 'postern_login_seconds_count')).toEqual([]);
  });

  it('reads relayed octets and commands from the meter at each scrape', async () => {
    const { telemetry, scrape } = telemetryWith();
    telemetry.meter.octetsToClient += 5_000;
    telemetry.meter.commands.RETR += 2;
    await scrape();
    telemetry.meter.octetsToClient += 1;
    const text = await scrape();
    expect(sampleValue(text, 'postern_relayed_octets_total', { direction: 'to_client' })).toBe(5_001);
    expect(sampleValue(text, 'postern_commands_total', { command: 'RETR' })).toBe(2);
  });

  it('counts what the guard decided and how long it took, where it was asked', async () => {
    const { telemetry, scrape } = telemetryWith();
    telemetry.report(events.login({ guardMs: { admitMs: 0.4, settleMs: 0.3 } }));
    telemetry.report(events.login({ result: 'limited', guard: { reason: 'remembered' }, guardMs: { admitMs: 0.2 } }));
    telemetry.report(events.unrouted());
    const text = await scrape();
    expect(sampleValue(text, 'postern_guard_decisions_total', { decision: 'allowed' })).toBe(1);
    expect(sampleValue(text, 'postern_guard_decisions_total', { decision: 'remembered' })).toBe(1);
    expect(sampleValue(text, 'postern_guard_decisions_total', { decision: 'store' })).toBe(0);
    expect(sampleValue(text, 'postern_guard_seconds_sum', { phase: 'admit' })).toBeCloseTo(0.0006);
    expect(sampleValue(text, 'postern_guard_seconds_count', { phase: 'settle' })).toBe(1);
  });

  it('times handshakes of both legs, where somebody made them', async () => {
    const { telemetry, scrape } = telemetryWith();
    telemetry.report(events.clientTls({ durationMs: 12 }));
    telemetry.report(events.clientTls({ transport: 'implicit' }));
    telemetry.report(events.connected({ handshakeMs: 30 }));
    const text = await scrape();
    expect(sampleValue(text, 'postern_client_tls_seconds_sum', { listener: 'lan' })).toBeCloseTo(0.012);
    expect(sampleValue(text, 'postern_client_tls_seconds_count', { listener: 'lan' })).toBe(1);
    expect(sampleValue(text, 'postern_upstream_tls_seconds_sum', { upstream: 'att' })).toBeCloseTo(0.03);
  });

  it('tells what is held up, how full it is and whether it drains', async () => {
    const { telemetry, scrape } = telemetryWith({ maxSessions: 500 });
    telemetry.meter.pauses.upstream.begin();
    telemetry.report(events.closed({ reason: 'idle_timeout' }));
    const text = await scrape();
    expect(sampleValue(text, 'postern_relay_pauses_total', { side: 'upstream' })).toBe(1);
    expect(sampleValue(text, 'postern_relay_paused_seconds_total', { side: 'upstream' })).toBeGreaterThan(0);
    expect(sampleValue(text, 'postern_relay_paused_seconds_total', { side: 'client' })).toBe(0);
    expect(sampleValue(text, 'postern_sessions_max')).toBe(500);
    expect(sampleValue(text, 'postern_sessions_closed_total', { listener: 'lan', reason: 'idle_timeout' })).toBe(1);
    expect(sampleValue(text, 'postern_sessions_closed_total', { listener: 'lan', reason: 'drained' })).toBe(0);
    expect(sampleValue(text, 'postern_draining')).toBe(0);
    telemetry.observeDraining(() => true);
    expect(sampleValue(await scrape(), 'postern_draining')).toBe(1);
  });

  it('times what the store is asked', async () => {
    const { telemetry, scrape } = telemetryWith();
    telemetry.timeStoreCall('look', 2);
    expect(sampleValue(await scrape(), 'postern_store_seconds_sum', { operation: 'look' })).toBeCloseTo(0.002);
  });

  it('counts what the limits and the store do', async () => {
    const { telemetry, scrape } = telemetryWith();
    const subject = { limit: 'perAddress', subject: '192.0.2.7' } as const;
    telemetry.report({ kind: 'loginBlocked', ...subject, durationMs: 60_000 });
    telemetry.report({ kind: 'loginLimited', ...subject, retryAfterMs: 60_000 });
    telemetry.report({ kind: 'blockLifted', ...subject, by: 'ops' });
    telemetry.report({ kind: 'storeChanged', store: 'redis', isUp: false, detail: 'ECONNREFUSED' });
    telemetry.report({ kind: 'connectionRefused', listener: 'lan', address: '192.0.2.7', reason: 'max_total' });
    const text = await scrape();
    for (const action of ['blocked', 'limited', 'lifted']) {
      expect(sampleValue(text, 'postern_login_limits_total', { limit: 'perAddress', action })).toBe(1);
    }
    expect(sampleValue(text, 'postern_store_up', { store: 'redis' })).toBe(0);
    expect(sampleValue(text, 'postern_connections_refused_total', { listener: 'lan', reason: 'max_total' })).toBe(1);
  });

  it('shows blocks and certificates once it knows whom to ask', async () => {
    const { telemetry, scrape } = telemetryWith();
    expect(samplesOf(await scrape(), 'postern_blocked')).toEqual([]);
    telemetry.observeBlocks(async () => ({ ...noBlocks, perAddress: 3 }));
    telemetry.observeCertificates(() => [{ name: 'mail', expiresAtMs: 1_800_000_000_500 }]);
    const text = await scrape();
    expect(sampleValue(text, 'postern_blocked', { limit: 'perAddress' })).toBe(3);
    expect(sampleValue(text, 'postern_certificate_expiry_seconds', { name: 'mail' })).toBe(1_800_000_000);
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('store is down'))],
    ['never answers', () => new Promise<never>(() => {})],
  ])('leaves blocks out of the scrape when the store %s', async (_, count) => {
    const { telemetry, scrape } = telemetryWith();
    telemetry.observeBlocks(count);
    const text = await scrape();
    expect(samplesOf(text, 'postern_blocked')).toEqual([]);
    expect(sampleValue(text, 'postern_connections_total', { listener: 'lan' })).toBe(0);
  });

  it('makes no time series from names that it was not given', async () => {
    const { telemetry, scrape } = telemetryWith();
    telemetry.report(events.opened({ listener: hostile }));
    telemetry.report(events.clientTls({ tls: { version: hostile, cipher: hostile, isResumed: false } }));
    telemetry.report(events.connected({ upstream: hostile }));
    telemetry.report(events.login({ upstream: hostile, account: hostile, reply: hostile }));
    telemetry.report(events.login({ upstream: '__proto__' }));
    telemetry.report(events.closed({ listener: hostile }));
    const text = await scrape();
    expect(text).not.toContain('evil');
    expect(text).not.toContain('__proto__');
    expect(sampleValue(text, 'postern_logins_total', { upstream: 'other' })).toBe(2);
    expect(sampleValue(text, 'postern_connections_total', { listener: 'other' })).toBe(1);
    expect(sampleValue(text, 'postern_client_tls_total', { version: 'other' })).toBe(1);
  });

  it.skipIf(!hasPromtool)('satisfies promtool', async () => {
    const { telemetry, scrape } = telemetryWith();
    for (const event of [events.opened(), events.clientTls(), events.connected(), events.untrusted()]) {
      telemetry.report(event);
    }
    telemetry.observeBlocks(async () => noBlocks);
    const text = await scrape();
    // The names of prom-client's own metrics are not ours to choose.
    const own = text.split('\n').filter((line) => line.includes('postern_'));
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: `${own.join('\n')}\n` });
    expect(`${stdout}${stderr}`).toBe('');
    expect(status).toBe(0);
  });
});

describe('createTelemetry: log', () => {
  it('writes one JSON line per event, in order', () => {
    const { telemetry, lines } = telemetryWith();
    telemetry.report(events.opened());
    telemetry.report(events.login());
    const parsed = lines.map((line) => JSON.parse(line));
    expect(parsed.map(({ level, event, msg }) => [level, event, msg])).toEqual([
      ['debug', 'sessionOpened', 'Session opened'],
      ['info', 'loginFinished', 'Login accepted'],
    ]);
    expect(Date.parse(parsed[0].time)).not.toBeNaN();
    expect(lines.every((line) => line.endsWith('}\n'))).toBe(true);
  });

  it('writes nothing below its level', () => {
    const { telemetry, lines } = telemetryWith({ log: { level: 'warn', format: 'json' } });
    telemetry.report(events.login());
    telemetry.report(events.untrusted());
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(['warn']);
  });

  it.each([
    ['auto', true, true],
    ['auto', false, false],
    ['pretty', false, true],
    ['json', true, false],
  ] as const)('with format %s and terminal %s is pretty: %s', (format, isTerminal, isPretty) => {
    const { telemetry, lines } = telemetryWith({ log: { level: 'info', format }, isTerminal });
    telemetry.report(events.login());
    expect(lines.join('').startsWith('{')).toBe(!isPretty);
    expect(lines.join('')).toContain('Login accepted');
  });

  it('colours a pretty log only when told to', () => {
    const colouredWhen = (useColour: boolean) => {
      const { telemetry, lines } = telemetryWith({ log: { level: 'info', format: 'pretty' }, useColour });
      telemetry.report(events.login());
      return lines.join('').includes('\u001b[');
    };
    expect(colouredWhen(true)).toBe(true);
    expect(colouredWhen(false)).toBe(false);
  });

  it('lets no account write to the terminal in a pretty log', () => {
    const { telemetry, lines } = telemetryWith({ log: { level: 'info', format: 'pretty' } });
    telemetry.report(events.login({ account: hostile }));
    expect(lines.join('')).not.toContain('\u001b');
    expect(lines.join('').trimEnd().split('\n')).toHaveLength(1);
  });
});

describe('createTelemetry: report', () => {
  it('goes on when the log cannot be written', async () => {
    const destination = {
      write: () => {
        throw new Error('disk full');
      },
    };
    const { telemetry, scrape } = telemetryWith({ destination });
    expect(() => telemetry.report(events.opened())).not.toThrow();
    expect(telemetry.sessions.size).toBe(1);
    expect(sampleValue(await scrape(), 'postern_connections_total', { listener: 'lan' })).toBe(1);
  });

  it('tells every other consumer, and the log once, when one fails', () => {
    const { telemetry, lines } = telemetryWith();
    telemetry.report(events.opened());
    const broken: GateEvent = events.relaying({ toUpstream: 0, toClient: 0 });
    // An event that throws where the live view and the log look at it, and nowhere else.
    Object.defineProperty(broken, 'account', {
      get: () => {
        throw new RangeError('hunter2');
      },
    });
    for (let time = 0; time < 3; time += 1) expect(() => telemetry.report(broken)).not.toThrow();
    const complaints = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 'error');
    expect(complaints.map(({ consumer, type }) => [consumer, type])).toEqual([
      ['sessions', 'RangeError'],
      ['log', 'RangeError'],
    ]);
    expect(lines.join('')).not.toContain('hunter2');
    telemetry.report(events.closed());
    expect(telemetry.sessions.size).toBe(0);
  });

  it('tells a consumer of the kinds that it asked for, until it is removed', () => {
    const { telemetry } = telemetryWith();
    telemetry.report(events.closed());
    const seen: string[] = [];
    telemetry.addConsumer('inventory', ({ kind }) => seen.push(kind), { kinds: ['sessionClosed'] });
    telemetry.report(events.opened());
    telemetry.report(events.closed());
    telemetry.removeConsumer('inventory');
    telemetry.report(events.closed());
    expect(seen).toEqual(['sessionClosed']);
  });

  it('tells a consumer that came later, and names it when it fails', () => {
    const { telemetry, lines } = telemetryWith();
    const seen: string[] = [];
    telemetry.addConsumer('inventory', ({ kind }) => {
      seen.push(kind);
      if (kind === 'sessionClosed') throw new TypeError('hunter2');
    });
    telemetry.report(events.opened());
    telemetry.report(events.closed());
    expect(seen).toEqual(['sessionOpened', 'sessionClosed']);
    const [complaint] = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 'error');
    expect(complaint).toMatchObject({ consumer: 'inventory', event: 'sessionClosed', type: 'TypeError' });
  });
});
