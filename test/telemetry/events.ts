import type { GateEvent, TlsFacts, Traffic } from '../../src/proxy/events.ts';

type EventOf<Kind extends GateEvent['kind']> = Extract<GateEvent, { kind: Kind }>;

const session = { sessionId: 's1', listener: 'lan', address: '192.0.2.7' } as const;
const tls: TlsFacts = { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', isResumed: false };

/** Events of one session with a login that succeeds, each changeable. */
export const events = {
  opened: (change: Partial<EventOf<'sessionOpened'>> = {}): GateEvent => ({
    kind: 'sessionOpened',
    ...session,
    port: 40_000,
    transport: 'plaintext',
    ...change,
  }),
  clientTls: (change: Partial<EventOf<'clientTlsEstablished'>> = {}): GateEvent => ({
    kind: 'clientTlsEstablished',
    ...session,
    transport: 'stls',
    tls,
    ...change,
  }),
  clientTlsFailed: (change: Partial<EventOf<'clientTlsFailed'>> = {}): GateEvent => ({
    kind: 'clientTlsFailed',
    ...session,
    transport: 'stls',
    detail: 'no shared cipher',
    ...change,
  }),
  connected: (change: Partial<EventOf<'upstreamConnected'>> = {}): GateEvent => ({
    kind: 'upstreamConnected',
    ...session,
    upstream: 'att',
    upstreamAddress: '198.51.100.1',
    tls,
    durationMs: 40,
    ...change,
  }),
  login: (change: Partial<EventOf<'loginFinished'>> = {}): GateEvent => ({
    kind: 'loginFinished',
    ...session,
    transport: 'stls',
    account: 'user@att.net',
    upstream: 'att',
    result: 'accepted',
    durationMs: 120.4,
    reply: 'Welcome',
    ...change,
  }),
  relaying: (traffic: Traffic, change: Partial<EventOf<'relayStarted'>> = {}): GateEvent => ({
    kind: 'relayStarted',
    ...session,
    account: 'user@att.net',
    upstream: 'att',
    traffic,
    ...change,
  }),
  closed: (change: Partial<EventOf<'sessionClosed'>> = {}): GateEvent => ({
    kind: 'sessionClosed',
    ...session,
    reason: 'client_closed',
    durationMs: 2_000,
    traffic: { toUpstream: 10, toClient: 200 },
    ...change,
  }),
  untrusted: (change: Partial<EventOf<'loginFinished'>> = {}): GateEvent =>
    events.login({
      result: 'untrusted',
      reply: '[SYS/TEMP] inbound.att.net has a certificate that has expired',
      failure: { reason: 'expired', detail: 'notAfter=2026-10-05' },
      ...change,
    }),
  unrouted: (): GateEvent => ({
    kind: 'loginFinished',
    ...session,
    transport: 'plaintext',
    account: 'user@nowhere.test',
    result: 'unrouted',
    durationMs: 1,
    reply: '[SYS/PERM] No mail provider is known for nowhere.test',
  }),
};
