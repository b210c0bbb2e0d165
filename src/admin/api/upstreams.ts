import { createRoute, z } from '@hono/zod-openapi';
import { loginResults } from '../../proxy/events.ts';
import type { AdminApp } from '../admin-env.ts';
import type { AdminPorts, UpstreamProbe } from '../ports.ts';
import { problem, problemResponse } from '../problem.ts';
import { isoTime, timeSchema } from './paging.ts';
import { findUpstream, viewUpstreams } from './upstream-view.ts';

const upstreamSchema = z
  .object({
    name: z.string(),
    isConfigured: z.boolean().openapi({ description: 'False: a built-in provider that a login went to.' }),
    host: z.string().optional(),
    port: z.int().optional(),
    tls: z.enum(['implicit', 'starttls']).optional(),
    serverName: z.string().optional(),
    minVersion: z.string().optional(),
    hasOwnAuthority: z.boolean().optional(),
    pins: z.array(z.string()).optional(),
    checksRevocation: z.boolean().optional(),
    domains: z.array(z.string()).optional(),
    logins: z.partialRecord(z.enum(loginResults), z.int()),
    lastLogin: z.object({ result: z.enum(loginResults), at: timeSchema }).nullable(),
    lastFailure: z
      .object({ reason: z.string(), explanation: z.string(), detail: z.string(), at: timeSchema })
      .nullable(),
    lastConnection: z
      .object({
        address: z.string(),
        tlsVersion: z.string(),
        cipher: z.string(),
        keyExchange: z.string().nullable(),
        isResumed: z.boolean(),
        durationMs: z.int(),
        at: timeSchema,
      })
      .nullable(),
  })
  .openapi('Upstream');

const probeSchema = z
  .object({
    name: z.string(),
    isVerified: z.boolean(),
    failure: z.object({ reason: z.string(), detail: z.string(), explanation: z.string() }).nullable(),
    address: z.string().nullable(),
    tls: z.object({ version: z.string(), cipher: z.string(), keyExchange: z.string().nullable() }).nullable(),
    capabilities: z.array(z.string()),
    chain: z
      .array(
        z.object({
          subject: z.string(),
          issuer: z.string(),
          validFrom: timeSchema,
          expires: timeSchema,
          pin: z.string(),
        }),
      )
      .openapi({ description: 'From the server’s own certificate up.' }),
  })
  .openapi('Probe');

const listRoute = createRoute({
  method: 'get',
  path: '/api/v1/upstreams',
  tags: ['Upstreams'],
  summary: 'Upstreams, and what logins met there since the start',
  responses: {
    200: {
      description: 'The configured ones, then the built-in providers that a login went to',
      content: {
        'application/json': { schema: z.object({ upstreams: z.array(upstreamSchema) }).openapi('Upstreams') },
      },
    },
  },
});

const params = z.object({ name: z.string().max(100).openapi({ description: 'The name of an upstream.' }) });
const unknown = problemResponse('There is no such upstream');
const noUpstream = { status: 404, detail: 'No upstream of this name is configured or was used' } as const;

const showRoute = createRoute({
  method: 'get',
  path: '/api/v1/upstreams/{name}',
  tags: ['Upstreams'],
  summary: 'One upstream',
  request: { params },
  responses: {
    200: { description: 'The upstream', content: { 'application/json': { schema: upstreamSchema } } },
    404: unknown,
  },
});

const probeRoute = createRoute({
  method: 'post',
  path: '/api/v1/upstreams/{name}/probe',
  tags: ['Upstreams'],
  summary: 'Dial an upstream now, verify it as for a login, and show its certificate chain; nobody is logged in',
  request: { params },
  responses: {
    200: { description: 'What was met', content: { 'application/json': { schema: probeSchema } } },
    404: unknown,
  },
});

/** Adds `/api/v1/upstreams`. */
export function addUpstreams(app: AdminApp, ports: AdminPorts): void {
  app.openapi(listRoute, (c) => c.json({ upstreams: viewUpstreams(ports) }, 200));
  app.openapi(showRoute, (c) => {
    const upstream = findUpstream(ports, c.req.valid('param').name);
    return upstream === undefined ? problem(c, noUpstream) : c.json(upstream, 200);
  });
  app.openapi(probeRoute, async (c) => {
    const { name } = c.req.valid('param');
    const probe = await ports.probeUpstream(name);
    return probe === undefined ? problem(c, noUpstream) : c.json(viewProbe(name, probe), 200);
  });
}

function viewProbe(name: string, { failure, address, tls, capabilities, chain }: UpstreamProbe) {
  return {
    name,
    isVerified: failure === undefined,
    failure: failure ?? null,
    address: address ?? null,
    tls: tls === undefined ? null : { ...tls, keyExchange: tls.keyExchange ?? null },
    capabilities: [...capabilities],
    chain: chain.map(({ subject, issuer, validFromMs, expiresAtMs, pin }) => ({
      subject,
      issuer,
      validFrom: isoTime(validFromMs),
      expires: isoTime(expiresAtMs),
      pin,
    })),
  };
}
