import { accepts } from 'hono/accepts';
import type { AdminApp } from './admin-env.ts';
import { pagesPath } from './pages/paths.ts';
import type { AdminPorts } from './ports.ts';
import { assessReadiness } from './readiness.ts';

/** What a scraper may ask for: Prometheus asks for OpenMetrics, which has room for exemplars. */
const textFormat = 'text/plain';
const htmlFormat = 'text/html';
const openMetricsFormat = 'application/openmetrics-text';

const welcome = `Postern, a POP3 proxy that enforces TLS. This is its admin address, not a mail server.

/ui                    pages for people, with one of admin.tokens
/healthz               200 while the process lives
/readyz                200 while clients may be sent here, else 503; says why
/metrics               Prometheus metrics
/api/v1/reference      the API in words; /api/v1/openapi.json for programs

With "Authorization: Bearer <token>", one of admin.tokens:
/api/v1/status         version, listeners, readiness; POST /api/v1/drain lets nobody in any more
/api/v1/sessions       sessions open now; DELETE /api/v1/sessions/<id> ends one
/api/v1/blocks         login blocks and entries of operators; POST adds one, DELETE /api/v1/blocks/<id> lifts one
/api/v1/accounts/<a>   why an account cannot log in, in words
/api/v1/upstreams      upstreams and how logins to them went; POST /api/v1/upstreams/<name>/probe dials one
/api/v1/certificates   what mail clients are shown
/api/v1/inventory      who logs in with which encryption
/api/v1/config  what is in effect; POST …/validate checks a text, POST …/reload reads the file anew
/api/v1/log-level      GET, PUT
/api/v1/events         what happens, as Server-Sent Events
`;

/** Adds what needs no token: who is here, health and metrics. */
export function addHealth(app: AdminApp, { exposeMetrics, gateState }: AdminPorts): void {
  app.get('/', (c) => {
    c.header('Vary', 'Accept');
    const accepted = accepts(c, { header: 'Accept', supports: [textFormat, htmlFormat], default: textFormat });
    return accepted === htmlFormat ? c.redirect(pagesPath) : c.text(welcome);
  });
  app.get('/healthz', (c) => c.json({ status: 'alive' }));
  app.get('/readyz', (c) => {
    const readiness = assessReadiness(gateState());
    return c.json(readiness, readiness.status === 'unready' ? 503 : 200);
  });
  app.get('/metrics', async (c) => {
    const accepted = accepts(c, { header: 'Accept', supports: [textFormat, openMetricsFormat], default: textFormat });
    const { contentType, body } = await exposeMetrics(accepted === openMetricsFormat ? 'openMetrics' : 'text');
    return c.body(body, 200, { 'Content-Type': contentType, Vary: 'Accept' });
  });
}
