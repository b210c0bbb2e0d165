import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { StoreUnavailable } from '../proxy/store-unavailable.ts';
import type { AdminApp, AdminEnv } from './admin-env.ts';
import { AdminTokens } from './admin-tokens.ts';
import { addAccounts } from './api/accounts.ts';
import { addBlocks } from './api/blocks.ts';
import { addCertificates } from './api/certificates.ts';
import { addConfiguration } from './api/configuration.ts';
import { addDrain } from './api/drain.ts';
import { addEvents } from './api/events.ts';
import { addInventory } from './api/inventory.ts';
import { addLogLevel } from './api/log-level.ts';
import { addReference } from './api/reference.ts';
import { addSessions } from './api/sessions.ts';
import { addStatus } from './api/status.ts';
import { addUpstreams } from './api/upstreams.ts';
import { bearerAuth } from './bearer-auth.ts';
import { bodyLimit } from './body-limit.ts';
import { addHealth } from './health.ts';
import { hostCheck } from './host-check.ts';
import { refuseInvalid } from './invalid-request.ts';
import { addPages } from './pages/pages.ts';
import type { AdminPorts } from './ports.ts';
import { type ProblemStatus, problem } from './problem.ts';
import { securityHeaders } from './security-headers.ts';

/** The admin interface: health, metrics, the pages, and the API behind bearer tokens. */
export function createAdminApp(ports: AdminPorts): AdminApp {
  const app: AdminApp = new OpenAPIHono<AdminEnv>({ defaultHook: refuseInvalid });
  const tokens = new AdminTokens(ports.tokens);
  app.use(securityHeaders);
  app.use(hostCheck(ports.hosts));
  app.use(bodyLimit);
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
  app.notFound((c) => problem(c, { status: 404, detail: `There is nothing at ${c.req.path}; / lists what there is` }));
  app.onError((error, c) => explainError(c, { error, onError: ports.onError }));

  addHealth(app, ports);
  // Before the tokens are asked for: it tells nothing of this Postern.
  addReference(app, ports.version);
  addPages(app, { ports, tokens });
  app.use('/api/*', bearerAuth(tokens, ports));
  for (const add of resources) add(app, ports);
  return app;
}

const resources = [
  addStatus,
  addSessions,
  addBlocks,
  addAccounts,
  addUpstreams,
  addCertificates,
  addInventory,
  addConfiguration,
  addDrain,
  addLogLevel,
  (app: AdminApp, ports: AdminPorts) => addEvents(app, ports),
];

const httpProblems: Readonly<Record<number, readonly [status: ProblemStatus, detail: string]>> = {
  400: [400, 'The body is no JSON'],
  415: [415, 'Send it as application/json'],
};

function explainError(
  c: Context<AdminEnv>,
  { error, onError }: { readonly error: Error } & Pick<AdminPorts, 'onError'>,
): Response {
  const [status, detail] = (error instanceof HTTPException && httpProblems[error.status]) || [];
  if (status !== undefined && detail !== undefined) return problem(c, { status, detail });
  onError(error);
  if (error instanceof StoreUnavailable) {
    return problem(c, { status: 503, detail: 'The store of the login limits cannot be asked right now' });
  }
  return problem(c, { status: 500, detail: 'The request could not be served; the log of Postern tells more' });
}
