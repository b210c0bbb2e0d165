import { createRoute, z } from '@hono/zod-openapi';
import { comparableName } from '../../policy/lower-case.ts';
import { transports } from '../../policy/transport.ts';
import type { AdminApp } from '../admin-env.ts';
import { createAudit } from '../audit.ts';
import type { AdminPorts } from '../ports.ts';
import { problem, problemResponse } from '../problem.ts';
import { cursorParameter, filterParameter, limitParameter, nextCursorSchema, timeSchema } from './paging.ts';
import { viewSession } from './session-view.ts';

const tlsSchema = z
  .object({ version: z.string(), cipher: z.string(), keyExchange: z.string().nullable(), isResumed: z.boolean() })
  .openapi('Tls');

const sessionSchema = z
  .object({
    id: z.string(),
    listener: z.string(),
    address: z.string(),
    port: z.int(),
    proxySource: z.string().nullable(),
    correlationId: z.string().nullable(),
    transport: z.enum(transports),
    state: z.enum(['authorization', 'transaction']),
    account: z.string().nullable(),
    upstream: z.string().nullable(),
    openedAt: timeSchema,
    relayingSince: timeSchema.nullable(),
    clientTls: tlsSchema.nullable(),
    clientCertificate: z.object({ subject: z.string(), fingerprint: z.string() }).nullable(),
    upstreamTls: tlsSchema.nullable(),
    octetsToUpstream: z.int(),
    octetsToClient: z.int(),
  })
  .openapi('Session');

const listRoute = createRoute({
  method: 'get',
  path: '/api/v1/sessions',
  tags: ['Sessions'],
  summary: 'Sessions of this instance that are open now, oldest first',
  request: {
    query: z.strictObject({
      account: filterParameter('Only this account.'),
      address: filterParameter('Only this client address.'),
      listener: filterParameter('Only this listener.'),
      limit: limitParameter,
      cursor: cursorParameter(/^\d{1,15}$/),
    }),
  },
  responses: {
    200: {
      description: 'A page of sessions',
      content: {
        'application/json': {
          schema: z
            .object({ total: z.int(), sessions: z.array(sessionSchema), nextCursor: nextCursorSchema })
            .openapi('Sessions'),
        },
      },
    },
    400: problemResponse('A parameter is not accepted'),
  },
});

const id = z.string().max(100).openapi({ description: 'The `id` of a session.' });

const showRoute = createRoute({
  method: 'get',
  path: '/api/v1/sessions/{id}',
  tags: ['Sessions'],
  summary: 'One open session',
  request: { params: z.object({ id }) },
  responses: {
    200: { description: 'The session', content: { 'application/json': { schema: sessionSchema } } },
    404: problemResponse('It is not open'),
  },
});

const endRoute = createRoute({
  method: 'delete',
  path: '/api/v1/sessions/{id}',
  tags: ['Sessions'],
  summary: 'End a session, of whichever instance',
  description: 'Both connections are closed without QUIT, so that the maildrop stays as it was.',
  request: { params: z.object({ id }) },
  responses: { 204: { description: 'It is ended' }, 404: problemResponse('It is not open') },
});

const notOpen = { status: 404, detail: 'No session with this id is open' } as const;

/** Adds `/api/v1/sessions`. */
export function addSessions(app: AdminApp, ports: AdminPorts): void {
  const { sessions, endSession } = ports;
  const audit = createAudit(ports);
  app.openapi(listRoute, (c) => {
    const { account, address, listener, limit, cursor } = c.req.valid('query');
    const page = sessions.list({
      ...(account !== undefined && { account: comparableName(account) }),
      ...(address !== undefined && { address }),
      ...(listener !== undefined && { listener }),
      limit,
      cursor: Number(cursor ?? 0),
    });
    const nextCursor = page.nextCursor === undefined ? null : String(page.nextCursor);
    return c.json({ total: sessions.size, sessions: page.sessions.map(viewSession), nextCursor }, 200);
  });
  app.openapi(showRoute, (c) => {
    const session = sessions.get(c.req.valid('param').id);
    return session === undefined ? problem(c, notOpen) : c.json(viewSession(session), 200);
  });
  app.openapi(endRoute, async (c) => {
    const { id: target } = c.req.valid('param');
    const isEnded = await endSession(target, c.var.admin.name);
    audit(c, { action: 'endSession', target, result: isEnded ? 'done' : 'not_found' });
    return isEnded ? c.body(null, 204) : problem(c, notOpen);
  });
}
