import type { LoginRecord, SessionRecord } from '../../../src/telemetry/audit/audit-record.ts';

/** When the first login of the tests was. */
export const startMs = Date.parse('2026-11-23T08:00:00.000Z');

const tls = { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', resumed: false };

interface LoginChange extends Partial<LoginRecord> {
  readonly from?: string;
  readonly minutes?: number;
}

/** A login that was let in, changeable; `minutes` behind the start. */
export function login({ from = '192.0.2.7', minutes = 0, ...change }: LoginChange = {}): LoginRecord {
  const timeMs = startMs + minutes * 60_000;
  return {
    v: 1,
    type: 'login',
    timeMs,
    time: new Date(timeMs).toISOString(),
    instance: 'gate1',
    session: 'ab12-1',
    listener: 'lan',
    client: { address: from, port: 40_000, transport: 'stls', tls },
    account: 'u0042@example.com',
    upstream: { name: 'corp', address: '198.51.100.1', tls },
    result: 'accepted',
    guard: { decision: 'allowed' },
    durationMs: 120,
    ...change,
  };
}

/** A login that the upstream refused. */
export function refusal(change: LoginChange = {}): LoginRecord {
  return login({ result: 'refused', code: 'AUTH', ...change });
}

/** The end of the session of such a login, changeable. */
export function end(change: Partial<SessionRecord> = {}): SessionRecord {
  const { timeMs, time, client, session, listener, instance, account, upstream } = login({ minutes: 1 });
  return {
    v: 1,
    type: 'session',
    timeMs,
    time,
    instance,
    session,
    listener,
    client,
    account,
    upstream,
    reason: 'client_closed',
    durationMs: 61_000,
    loginAttempts: 1,
    octetsToUpstream: 60,
    octetsToClient: 12_345,
    retrCommands: 3,
    topCommands: 0,
    deleCommands: 0,
    rsetCommands: 0,
    quitCommands: 1,
    ...change,
  };
}
