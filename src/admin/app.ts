import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { secureHeaders } from 'hono/secure-headers';
import type { SessionQuery } from '../telemetry/live-sessions.ts';
import { type AdminEnv, bearerAuth } from './bearer-auth.ts';
import { addInventory } from './inventory-api.ts';
import type { AdminPorts } from './ports.ts';
import { problem } from './problem.ts';
import { assessReadiness } from './readiness.ts';
import { viewBlock, viewSession, viewStatus, viewUpstreams } from './views.ts';

const maxPageSize = 1_000;

const welcome = `Postern, a POP3 proxy that enforces TLS. This is its admin address, not a mail server.

/healthz           200 while the process lives
/readyz            200 while clients may be sent here, else 503; says why
/metrics           Prometheus metrics

With "Authorization: Bearer <token>", one of admin.tokens:
/api/v1/status     version, listeners, readiness
/api/v1/sessions   sessions open now; ?account= ?listener= ?address= ?limit= ?cursor=; DELETE /api/v1/sessions/<id> ends one
/api/v1/blocks     login blocks; DELETE /api/v1/blocks/<id> lifts one
/api/v1/inventory  who logs in with which encryption; ?unencrypted=true ?account= ?address= ?network= ?listener= ?transport= ?since=
                   ?limit= ?cursor= ?format=csv
/api/v1/upstreams  upstreams and how logins to them went
`;

/** The admin interface: health, metrics, and the API behind bearer tokens. */
export function createAdminApp(ports: AdminPorts): Hono<AdminEnv> {
  const app = new Hono<AdminEnv>();
  app.use(
    secureHeaders({
      contentSecurityPolicy: { defaultSrc: ["'none'"], baseUri: ["'none'"], frameAncestors: ["'none'"] },
      // The listener speaks plain HTTP, over which browsers ignore it (RFC 6797 §8.1).
      strictTransportSecurity: false,
    }),
  );
  app.use(async (c, next) => {
    await next();
    c.header('Cache-Control', 'no-store');
  });
  app.use(bodyRefusal);
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) =>
        problem(c, {
          status: 405,
          detail: `${c.req.path} takes ${methods.join(', ')} only`,
          headers: { Allow: methods.join(', ') },
        }),
    }),
  );
  app.use('/api/*', bearerAuth(ports.tokens));
  app.notFound((c) => problem(c, { status: 404, detail: `There is nothing at ${c.req.path}; / lists what there is` }));
  app.onError((error, c) => {
    ports.onError(error);
    return problem(c, { status: 500, detail: 'The request could not be served; the log of Postern tells more' });
  });

  addHealth(app, ports);
  addSessions(app, ports);
  addBlocks(app, ports);
  addInventory(app, ports);
  app.get('/api/v1/status', (c) => c.json(viewStatus(ports, (ports.nowMs ?? Date.now)())));
  app.get('/api/v1/upstreams', (c) => c.json({ upstreams: viewUpstreams(ports) }));
  return app;
}

/**
 * No request has a use for a body, so none is read. Hono's own body limit makes a new Request of the server's, which
 * works only where the server has replaced the global one.
 */
const bodyRefusal: MiddlewareHandler<AdminEnv> = async (c, next) => {
  const hasBody = Number(c.req.header('Content-Length') ?? 0) > 0 || c.req.header('Transfer-Encoding') !== undefined;
  return hasBody ? problem(c, { status: 413, detail: 'No request here takes a body' }) : next();
};

function addHealth(app: Hono<AdminEnv>, { registry, gateState }: AdminPorts): void {
  app.get('/', (c) => c.text(welcome));
  app.get('/healthz', (c) => c.json({ status: 'alive' }));
  app.get('/readyz', (c) => {
    const readiness = assessReadiness(gateState());
    return c.json(readiness, readiness.status === 'unready' ? 503 : 200);
  });
  app.get('/metrics', async (c) => c.body(await registry.metrics(), 200, { 'Content-Type': registry.contentType }));
}

function addSessions(app: Hono<AdminEnv>, { sessions, endSession }: AdminPorts): void {
  app.get('/api/v1/sessions', (c) => {
    const query = parseSessionQuery(c);
    if (typeof query === 'string') return problem(c, { status: 400, detail: query });
    const page = sessions.list(query);
    return c.json({
      total: sessions.size,
      sessions: page.sessions.map(viewSession),
      nextCursor: page.nextCursor === undefined ? null : String(page.nextCursor),
    });
  });
  app.get('/api/v1/sessions/:id', (c) => {
    const session = sessions.get(c.req.param('id'));
    return session ? c.json(viewSession(session)) : noSession(c);
  });
  app.delete('/api/v1/sessions/:id', (c) =>
    endSession(c.req.param('id'), c.var.admin.name) ? c.body(null, 204) : noSession(c),
  );
}

function noSession(c: Context<AdminEnv>): Response {
  return problem(c, { status: 404, detail: 'No session with this id is open' });
}

function addBlocks(app: Hono<AdminEnv>, { blocks, onError }: AdminPorts): void {
  const unavailable = (c: Context<AdminEnv>, error: unknown) => {
    onError(error);
    return problem(c, { status: 503, detail: 'The store of the login limits cannot be asked right now' });
  };
  app.get('/api/v1/blocks', async (c) => {
    try {
      return c.json({ blocks: (await blocks.listBlocks()).map(viewBlock) });
    } catch (error) {
      return unavailable(c, error);
    }
  });
  app.delete('/api/v1/blocks/:id', async (c) => {
    try {
      const isLifted = await blocks.liftBlock(c.req.param('id'), c.var.admin.name);
      return isLifted ? c.body(null, 204) : problem(c, { status: 404, detail: 'There is no block with this id' });
    } catch (error) {
      return unavailable(c, error);
    }
  });
}

/** The query, or what is wrong with it. */
function parseSessionQuery(c: Context<AdminEnv>): SessionQuery | string {
  const { account, address, listener, limit = '100', cursor = '0' } = c.req.query();
  if (!/^[1-9]\d{0,3}$/.test(limit) || Number(limit) > maxPageSize) {
    return `"limit" must be a whole number from 1 to ${maxPageSize}`;
  }
  if (!/^\d{1,15}$/.test(cursor)) return '"cursor" must be the "nextCursor" of the page before';
  return {
    ...(account !== undefined && { account: account.toLowerCase() }),
    ...(address !== undefined && { address }),
    ...(listener !== undefined && { listener }),
    limit: Number(limit),
    cursor: Number(cursor),
  };
}
