import { EventFeed } from '../../../src/admin/events/event-feed.ts';
import type { AdminPorts } from '../../../src/admin/ports.ts';
import type { LoginResult } from '../../../src/proxy/events.ts';
import { tellRecentLogins } from '../../../src/telemetry/explain/tell-recent-logins.ts';
import { logLine } from '../../../src/telemetry/log-line.ts';
import { createTelemetry } from '../../../src/telemetry/telemetry.ts';
import { fakeGuard, fakePorts } from '../../admin/ports.ts';
import { limitsOf } from '../../guard/fixtures.ts';
import { events } from '../../telemetry/events.ts';

const minuteMs = 60_000;
const endMs = Date.parse('2026-11-23T09:42:20Z');

/** Ports that have seen an hour of mail programs at work, of which one went by in vain. */
export function busyHour(): AdminPorts {
  let nowMs = endMs - 60 * minuteMs;
  const telemetry = createTelemetry({
    log: { level: 'fatal', format: 'json' },
    destination: { write: () => {} },
    version: '0.1.0',
    runtime: 'node 24.21.0',
    listeners: ['lan', 'lan-tls'],
    upstreams: ['corp', 'gmail', 'att'],
    nowMs: () => nowMs,
  });
  const feed = new EventFeed({ epoch: 'shown', describe: logLine, nowMs: () => nowMs });
  telemetry.addConsumer('events', (event) => feed.record(event));
  for (let minute = 0; minute <= 60; minute += 1) {
    nowMs = Math.min(endMs - (60 - minute) * minuteMs, endMs - 12_000);
    playMinute(minute, telemetry.report);
  }
  nowMs = endMs;
  return { ...fakePorts().ports, ...viewOf(telemetry, () => nowMs), events: feed };
}

type Report = ReturnType<typeof createTelemetry>['report'];

function playMinute(minute: number, report: Report): void {
  const logins = Math.round(34 + 10 * Math.sin(minute / 8) + ((minute * 7) % 5));
  for (let login = 0; login < logins; login += 1) {
    const number = (minute * 37 + login * 11) % 400;
    const isPlaintext = login % 9 === 0 && minute < 55 - (login % 30);
    play(report, { id: `${minute}-${login}`, number, isPlaintext, result: resultOf(minute, login) });
  }
  const guesser = { sessionId: `g-${minute}`, address: '203.0.113.9', account: 'u0042@example.com', upstream: 'corp' };
  if (minute > 56) report(events.login({ ...guesser, result: 'refused', reply: '[AUTH] no' }));
  if (minute === 60) {
    const limit = 'perAddressAndAccount';
    report({ kind: 'loginBlocked', limit, subject: 'u0042@example.com from 203.0.113.9', durationMs: minuteMs });
    const guard = { reason: 'limit', limit, retryAfterMs: minuteMs } as const;
    report(events.login({ ...guesser, result: 'limited', reply: '[SYS/TEMP] later', guard, guardMs: { admitMs: 1 } }));
  }
}

function resultOf(minute: number, login: number): LoginResult {
  if (minute > 24 && minute < 31 && login % 3 === 0) return 'unreachable';
  if (login % 17 === 3) return 'refused';
  return login % 41 === 5 ? 'limited' : 'accepted';
}

interface Played {
  readonly id: string;
  readonly number: number;
  readonly isPlaintext: boolean;
  readonly result: LoginResult;
}

function play(report: Report, { id, number, isPlaintext, result }: Played): void {
  const address = `192.168.${10 + (number % 3)}.${(number % 200) + 20}`;
  const [domain, upstream] = number % 4 === 0 ? ['gmail.com', 'gmail'] : ['example.com', 'corp'];
  const account = `u${String(number).padStart(4, '0')}@${domain}`;
  const listener = number % 3 === 0 && !isPlaintext ? 'lan-tls' : 'lan';
  const transport = isPlaintext ? 'plaintext' : listener === 'lan' ? 'stls' : 'implicit';
  const session = { sessionId: id, listener, address };
  report(events.opened({ ...session, transport }));
  if (!isPlaintext) report(events.clientTls({ ...session, transport }));
  const failure = { reason: 'unreachable', detail: 'connect ETIMEDOUT' } as const;
  if (result !== 'unreachable') report(events.connected({ ...session, upstream, upstreamAddress: '198.51.100.7' }));
  const reply = result === 'refused' ? '[AUTH] Invalid credentials' : '';
  report(
    events.login({
      ...session,
      account,
      upstream,
      transport,
      result,
      reply,
      ...(result === 'unreachable' && { failure }),
    }),
  );
  const isOpen = id.startsWith('60-') && result === 'accepted';
  if (result === 'accepted')
    report(events.relaying({ toUpstream: 60, toClient: number * 731 }, { ...session, account, upstream }));
  if (!isOpen) report(events.closed(session));
}

function viewOf(telemetry: ReturnType<typeof createTelemetry>, nowMs: () => number): Partial<AdminPorts> {
  const block = {
    id: 'b1',
    effect: 'block',
    origin: 'automatic',
    limit: 'perAddressAndAccount',
    subject: 'u0042@example.com from 203.0.113.9',
    untilMs: endMs + minuteMs,
    strikes: 1,
  } as const;
  const upstream = { port: 995, tls: 'implicit', minVersion: 'TLSv1.2', username: 'address' } as const;
  return {
    version: '0.1.0',
    runtime: 'node 24.21.0',
    nowMs,
    limits: () => limitsOf({ perAddressAndAccount: { threshold: 5 } }),
    sessions: telemetry.sessions,
    health: telemetry.upstreams,
    loginHistory: telemetry.loginHistory,
    tellLogins: (account) => tellRecentLogins(account, { logins: telemetry.recentLogins.of(account), nowMs: nowMs() }),
    upstreams: () => [
      { ...upstream, name: 'corp', host: 'mail.example.com', serverName: 'mail.example.com', domains: ['example.com'] },
    ],
    guard: {
      ...fakeGuard([], [block]),
      describeAccount: async () => ({
        nowMs: endMs,
        blocks: [{ ...block, hasOwners: false }],
        counts: { perAddressAndAccount: 5 },
        knownAddresses: [{ address: '192.168.10.62', lastLoginMs: endMs - 50 * minuteMs }],
        refusedUntilMs: [endMs + 350 * minuteMs],
        lastLoginMs: endMs - 50 * minuteMs,
        liveSessions: 0,
        entries: [],
        local: false,
      }),
    },
    certificates: () => [],
    probeUpstream: async (name) => ({
      capabilities: ['USER', 'UIDL', 'TOP'],
      chain: [
        {
          subject: `CN=${name}`,
          issuer: 'CN=An authority',
          validFromMs: endMs - 60 * 86_400_000,
          expiresAtMs: endMs + (name === 'corp' ? 19 : 55) * 86_400_000,
          pin: 'sha256/',
        },
      ],
    }),
  };
}
