import { Hono } from 'hono';
import { StoreUnavailable } from '../../proxy/store-unavailable.ts';
import type { AdminApp, AdminEnv } from '../admin-env.ts';
import type { AdminTokens } from '../admin-tokens.ts';
import { createAudit } from '../audit.ts';
import type { AdminPorts } from '../ports.ts';
import { addAccountPage } from './account-page.ts';
import { Assets } from './assets.ts';
import { addBlocksPage } from './blocks-page.ts';
import { addConfigurationPage } from './configuration-page.ts';
import { addEncryptionPage } from './encryption-page.ts';
import { addOverviewPage } from './overview-page.ts';
import { type PageContext, type PageParts, type PagesApp, renderProblem } from './page.ts';
import { assetsPath, pagesPath, signInPath, withQuery } from './paths.ts';
import { ProbeMemory } from './probe-memory.ts';
import { addSessionsPage } from './sessions-page.ts';
import { cookieAuth, isOwnRequest, signedInAdmin } from './sign-in-cookie.ts';
import { addSignIn } from './sign-in-page.ts';
import { SignIns } from './sign-ins.ts';
import { addUpstreamsPage } from './upstreams-page.ts';

/** Adds the pages below `/ui`, and lets their sign-in read from the API. */
export function addPages(
  app: AdminApp,
  { ports, tokens }: { readonly ports: AdminPorts; readonly tokens: AdminTokens },
): void {
  const nowMs = ports.nowMs ?? Date.now;
  const signIns = new SignIns(tokens, nowMs);
  const assets = new Assets(ports.onError);
  const probes = new ProbeMemory(ports.probeUpstream, nowMs);
  const parts: PageParts = { ports, assets, probes, audit: createAudit(ports), nowMs };

  const pages: PagesApp = new Hono<AdminEnv>();
  pages.onError((error, c) => explainError(c, { error, parts }));
  addAssets(pages, assets);
  pages.use(async (c, next) => {
    if (c.req.method === 'GET' || c.req.method === 'HEAD' || isOwnRequest(c)) return next();
    return c.text('This form was not sent by a page of Postern', 403);
  });
  addSignIn(pages, { ...parts, tokens, signIns });
  pages.use(async (c, next) => {
    const admin = signedInAdmin(c, signIns);
    if (admin === undefined) return c.redirect(withQuery(signInPath, { next: wantedPath(c) }), 303);
    c.set('admin', admin);
    if (c.req.method === 'GET' || c.req.method === 'HEAD' || admin.role === 'operator') return next();
    parts.audit(c, { action: 'request', target: `${c.req.method} ${c.req.path}`, result: 'forbidden' });
    const detail = `The token "${admin.name}" has the role viewer: changes need the role operator.`;
    return renderProblem(c, parts, { status: 403, title: 'Not permitted', detail });
  });
  for (const add of all) add(pages, parts);
  pages.get('*', (c) =>
    renderProblem(c, parts, { status: 404, title: 'Nothing here', detail: 'There is no page at this address.' }),
  );
  app.get(`${pagesPath}/`, (c) => c.redirect(pagesPath, 301));
  app.route(pagesPath, pages);
  app.use('/api/*', cookieAuth(signIns));
}

const all = [
  addOverviewPage,
  addSessionsPage,
  addAccountPage,
  addBlocksPage,
  addUpstreamsPage,
  addEncryptionPage,
  addConfigurationPage,
];

function addAssets(pages: PagesApp, assets: Assets): void {
  pages.get(`${assetsPath.slice(pagesPath.length)}:version/:name`, (c) => {
    const [version, name] = [c.req.param('version') ?? '', c.req.param('name') ?? ''];
    const found = assets.find(version, name);
    if (found === undefined) return c.text('There is no such file', 404);
    // Another instance behind the same balancer may be of another version: its files are not to be kept by this address.
    const caching = found.isCurrent ? 'public, max-age=31536000, immutable' : 'no-store';
    return c.body(found.asset.body, 200, { 'Content-Type': found.asset.type, 'Cache-Control': caching });
  });
}

/** Where to go on behind signing in; a form that was sent is not sent again. */
function wantedPath(c: PageContext): string | undefined {
  const { pathname, search } = new URL(c.req.url);
  return c.req.method === 'GET' && pathname !== pagesPath ? `${pathname}${search}` : undefined;
}

function explainError(
  c: PageContext,
  { error, parts }: { readonly error: Error; readonly parts: PageParts },
): Response | Promise<Response> {
  parts.ports.onError(error);
  const [status, detail] =
    error instanceof StoreUnavailable
      ? ([503, 'The store of the login limits cannot be asked right now. Try again in a moment.'] as const)
      : ([500, 'The page could not be made; the log of Postern tells more.'] as const);
  // Without a sign-in there is nobody to make a page for.
  if (c.get('admin') === undefined) return c.text(detail, status);
  return renderProblem(c, parts, { status, title: 'That did not work', detail });
}
