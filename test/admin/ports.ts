import { expect } from 'vitest';
import type { AdminAction } from '../../src/admin/admin-action.ts';
import { createAdminApp } from '../../src/admin/app.ts';
import { EventFeed } from '../../src/admin/events/event-feed.ts';
import type { AdminGuard, AdminPorts, GateState, KnownAccount, OwnCertificate } from '../../src/admin/ports.ts';
import type { LogLevel, UpstreamConfig } from '../../src/config/config.ts';
import type { Block } from '../../src/guard/block.ts';
import { tellRecentLogins } from '../../src/telemetry/explain/tell-recent-logins.ts';
import { logLine } from '../../src/telemetry/log-line.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { limitsOf } from '../guard/fixtures.ts';

export const operatorToken = 'operator-token-0123456789';
export const viewerToken = 'viewer-token-0123456789';
export const planted = 'hunter2-ca-and-token';

const corp: UpstreamConfig = {
  name: 'corp',
  host: 'mail.example.com',
  port: 995,
  tls: 'implicit',
  serverName: 'mail.example.com',
  minVersion: 'TLSv1.2',
  ca: `-----BEGIN CERTIFICATE-----\n${planted}`,
  username: 'address',
  domains: ['example.com'],
};

export const openGate: GateState = {
  listeners: [{ name: 'lan', address: '0.0.0.0:110', tls: 'starttls', isListening: true }],
  isDraining: false,
};

export const nowMs = 1_700_000_042_000;

/** An automatic block of an address. */
export const addressBlock: Block = {
  id: 'b1',
  effect: 'block',
  origin: 'automatic',
  limit: 'perAddress',
  subject: '192.0.2.7',
  untilMs: 1_800_000_000_000,
  strikes: 1,
};

/** A guard made by hand, with these blocks; it notes what it is told. */
export function fakeGuard(done: string[], initial: readonly Block[] = [addressBlock]): AdminGuard {
  const blocks = new Map(initial.map((block) => [block.id, block]));
  return {
    listBlocks: async () => [...blocks.values()],
    addEntry: async ({ effect, target, reason, untilMs }, by) => {
      const subject = 'network' in target ? target.network : target.account;
      done.push(`${by} adds ${effect} ${subject}`);
      const until = untilMs === undefined ? {} : { untilMs };
      return { id: 'm1', effect, origin: 'manual', subject, reason, by, addedAtMs: nowMs, ...until };
    },
    liftBlock: async (id, by) => {
      done.push(`${by} lifts ${id}`);
      return blocks.delete(id);
    },
    describeAccount: async () => nothingKnown,
  };
}

/** What a guard knows of an account that nobody has tried. */
export const nothingKnown: KnownAccount = {
  nowMs,
  blocks: [],
  counts: {},
  knownAddresses: [],
  refusedUntilMs: [],
  liveSessions: 0,
  entries: [],
  local: false,
};

/** Ports with a real telemetry behind them and the rest made by hand, which note what they are told. */
export function fakePorts(change: Partial<AdminPorts> = {}) {
  const done: string[] = [];
  const errors: unknown[] = [];
  const actions: AdminAction[] = [];
  const telemetry = createTelemetry({
    log: { level: 'fatal', format: 'json' },
    destination: { write: () => {} },
    version: '1.2.3',
    runtime: 'test 1',
    listeners: ['lan'],
    upstreams: ['corp', 'att'],
    nowMs: () => 1_700_000_000_000,
  });
  const events = new EventFeed({ epoch: 'e1', describe: logLine, nowMs: () => 1_700_000_000_000 });
  telemetry.addConsumer('events', (event) => events.record(event));
  let level: LogLevel = 'info';
  const ports: AdminPorts = {
    version: '1.2.3',
    runtime: 'test 1',
    startedAtMs: 1_700_000_000_000,
    nowMs: () => nowMs,
    tokens: () => [
      { name: 'ops', role: 'operator', token: operatorToken },
      { name: 'wall', role: 'viewer', token: viewerToken },
    ],
    hosts: () => ['postern.example.com', '*.svc.cluster.local'],
    upstreams: () => [corp],
    limits: () => limitsOf({ perAccount: { threshold: 10 } }),
    exposeMetrics: telemetry.exposeMetrics,
    meter: telemetry.meter,
    sessions: telemetry.sessions,
    health: telemetry.upstreams,
    loginHistory: telemetry.loginHistory,
    tellLogins: (account) => tellRecentLogins(account, { logins: telemetry.recentLogins.of(account), nowMs }),
    guard: fakeGuard(done),
    certificates: () => [certificate],
    probeUpstream: async (name) => (name === 'corp' ? { capabilities: ['USER'], chain: [] } : undefined),
    configuration: {
      show: () => ({ log: { level: 'info' } }),
      check: (text) => ({ problems: text === '' ? [{ path: '', message: 'nothing' }] : [], warnings: [] }),
    },
    logLevel: {
      get: () => level,
      set: (wanted) => {
        level = wanted;
      },
    },
    events,
    gateState: () => openGate,
    drain: () => done.push('drains'),
    endSession: async (id, by) => {
      done.push(`${by} ends ${id}`);
      return telemetry.sessions.get(id) !== undefined;
    },
    audit: (action) => actions.push(action),
    onError: (error) => errors.push(error),
    ...change,
  };
  return { ports, telemetry, done, errors, actions };
}

const certificate: OwnCertificate = {
  name: '/etc/postern/fullchain.pem',
  subject: 'CN=mail.example.com',
  issuer: 'CN=An authority',
  names: ['mail.example.com'],
  keyType: 'ec',
  fingerprint: 'AA:BB',
  validFromMs: 1_690_000_000_000,
  expiresAtMs: nowMs + 10 * 86_400_000,
};

/** An app on such ports, and requests as each of the admins. */
export function appWith(change: Partial<AdminPorts> = {}) {
  const fakes = fakePorts(change);
  const app = createAdminApp(fakes.ports);
  const as = (token: string) => (path: string, method?: string) =>
    app.request(path, { ...(method && { method }), headers: { Authorization: `Bearer ${token}` } });
  const send = (path: string, { method = 'POST', body, type = 'application/json' }: SentBody) =>
    app.request(path, {
      method,
      body,
      headers: { Authorization: `Bearer ${operatorToken}`, 'Content-Type': type },
    });
  return { ...fakes, app, send, asOperator: as(operatorToken), asViewer: as(viewerToken) };
}

interface SentBody {
  readonly method?: string;
  readonly body: string;
  readonly type?: string;
}

/** Resolves to the detail of the problem that was answered. */
export async function expectProblem(response: Response, status: number): Promise<string> {
  expect(response.status).toBe(status);
  expect(response.headers.get('Content-Type')).toBe('application/problem+json');
  const body = await response.json();
  expect(body).toMatchObject({ type: 'about:blank', title: expect.any(String), status });
  return body.detail;
}
