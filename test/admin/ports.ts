import type { AdminPorts, GateState } from '../../src/admin/ports.ts';
import type { UpstreamConfig } from '../../src/config/config.ts';
import type { Block } from '../../src/guard/guard.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';

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

/** Ports with a real telemetry behind them and a guard and sessions made by hand, which note what they are told. */
export function fakePorts(change: Partial<AdminPorts> = {}) {
  const done: string[] = [];
  const errors: unknown[] = [];
  const blocks = new Map<string, Block>([
    ['b1', { id: 'b1', limit: 'perAddress', subject: '192.0.2.7', untilMs: 1_800_000_000_000 }],
  ]);
  const telemetry = createTelemetry({
    log: { level: 'fatal', format: 'json' },
    destination: { write: () => {} },
    version: '1.2.3',
    runtime: 'test 1',
    listeners: ['lan'],
    upstreams: ['corp', 'att'],
    nowMs: () => 1_700_000_000_000,
  });
  const ports: AdminPorts = {
    version: '1.2.3',
    runtime: 'test 1',
    startedAtMs: 1_700_000_000_000,
    nowMs: () => 1_700_000_042_000,
    tokens: [
      { name: 'ops', role: 'operator', token: operatorToken },
      { name: 'wall', role: 'viewer', token: viewerToken },
    ],
    upstreams: [corp],
    registry: telemetry.registry,
    meter: telemetry.meter,
    sessions: telemetry.sessions,
    health: telemetry.upstreams,
    blocks: {
      listBlocks: async () => [...blocks.values()],
      liftBlock: async (id, by) => {
        done.push(`${by} lifts ${id}`);
        return blocks.delete(id);
      },
    },
    gateState: () => openGate,
    endSession: (id, by) => {
      done.push(`${by} ends ${id}`);
      return telemetry.sessions.get(id) !== undefined;
    },
    onError: (error) => errors.push(error),
    ...change,
  };
  return { ports, telemetry, done, errors };
}
