import { createRoute, z } from '@hono/zod-openapi';
import type { AdminApp } from '../admin-env.ts';
import type { AdminPorts } from '../ports.ts';
import { assessReadiness } from '../readiness.ts';
import { isoTime, timeSchema } from './paging.ts';

const checkSchema = z.object({ status: z.enum(['pass', 'warn', 'fail']), detail: z.string() });

const statusSchema = z
  .object({
    version: z.string(),
    runtime: z.string(),
    startedAt: timeSchema,
    uptimeSeconds: z.int(),
    status: z.enum(['ready', 'degraded', 'unready']),
    checks: z.record(z.string(), checkSchema),
    isDraining: z.boolean(),
    listeners: z.array(
      z.object({
        name: z.string(),
        address: z.string(),
        tls: z.enum(['implicit', 'starttls', 'off']),
        isListening: z.boolean(),
      }),
    ),
    sessions: z.int(),
    relayed: z.object({ octetsToUpstream: z.int(), octetsToClient: z.int() }),
    you: z.object({ name: z.string(), role: z.enum(['viewer', 'operator']) }),
  })
  .openapi('Status');

const route = createRoute({
  method: 'get',
  path: '/api/v1/status',
  tags: ['Status'],
  summary: 'Version, listeners, readiness',
  responses: { 200: { description: 'As it is now', content: { 'application/json': { schema: statusSchema } } } },
});

/** Adds `/api/v1/status`. */
export function addStatus(app: AdminApp, ports: AdminPorts): void {
  app.openapi(route, (c) => c.json({ ...viewStatus(ports, (ports.nowMs ?? Date.now)()), you: c.var.admin }, 200));
}

/** The process and its gate, as the API shows them. */
function viewStatus(ports: AdminPorts, nowMs: number) {
  const { version, runtime, startedAtMs, meter, sessions } = ports;
  const gate = ports.gateState();
  const readiness = assessReadiness(gate);
  return {
    version,
    runtime,
    startedAt: isoTime(startedAtMs),
    uptimeSeconds: Math.max(0, Math.floor((nowMs - startedAtMs) / 1000)),
    status: readiness.status,
    checks: readiness.checks,
    isDraining: gate.isDraining,
    listeners: gate.listeners.map(({ name, address, tls, isListening }) => ({ name, address, tls, isListening })),
    sessions: sessions.size,
    relayed: { octetsToUpstream: meter.octetsToUpstream, octetsToClient: meter.octetsToClient },
  };
}
