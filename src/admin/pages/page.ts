import type { Context, Hono } from 'hono';
import { html } from 'hono/html';
import type { AdminEnv } from '../admin-env.ts';
import type { createAudit } from '../audit.ts';
import type { AdminPorts } from '../ports.ts';
import { assessReadiness } from '../readiness.ts';
import type { Assets } from './assets.ts';
import { flash } from './flash.ts';
import { type Content, type Markup, name } from './markup.ts';
import { accountPath, pagesPath, signOutPath } from './paths.ts';
import type { ProbeMemory } from './probe-memory.ts';

/** What every page is made with. */
export interface PageParts {
  readonly ports: AdminPorts;
  readonly assets: Assets;
  readonly probes: ProbeMemory;
  readonly audit: ReturnType<typeof createAudit>;
  readonly nowMs: () => number;
}

/** A page's routes are added to this; their paths begin behind `/ui`. */
export type PagesApp = Hono<AdminEnv>;

/** A request for a page. */
export type PageContext = Context<AdminEnv>;

/** The statuses that a page can have. */
export type PageStatus = 200 | 400 | 403 | 404 | 422 | 429 | 500 | 501 | 503;

/** A page to be. */
export interface Page {
  readonly title: string;
  /** Under the heading, what this is. */
  readonly lead?: Content;
  readonly body: Content;
  readonly status?: PageStatus;
  /** Events that make it worth reading the page anew, and how often that may be; absent: it stays as it is. */
  readonly live?: { readonly kinds: readonly string[]; readonly intervalMs: number };
  readonly hasCharts?: boolean;
}

const places: readonly (readonly [path: string, title: string])[] = [
  [pagesPath, 'Overview'],
  ['/ui/sessions', 'Sessions'],
  ['/ui/accounts', 'Accounts'],
  ['/ui/blocks', 'Blocks'],
  ['/ui/upstreams', 'Upstreams'],
  ['/ui/encryption', 'Encryption'],
  ['/ui/configuration', 'Configuration'],
];

/** Answers with a page for whoever has signed in. */
export function renderPage(c: PageContext, parts: PageParts, page: Page): Response | Promise<Response> {
  const { title, lead, body, status = 200, live, hasCharts } = page;
  const { ports, assets } = parts;
  const { admin } = c.var;
  const markup = html`<header class="top">
<a class="brand" href="${pagesPath}"><img src="${assets.path('icon.svg')}" alt="" width="24" height="24">Postern</a>
<nav aria-label="Pages"><ul>${places.map(
    ([path, label]) =>
      html`<li><a href="${path}"${path === c.req.path ? html` aria-current="page"` : ''}>${label}</a></li>`,
  )}</ul></nav>
<form class="who" method="post" action="${signOutPath}"><span>${name(admin.name)} <span class="role">${admin.role}</span></span>
<button class="quiet">Sign out</button></form>
</header>
<main id="main" tabindex="-1"${
    live === undefined ? '' : html` data-live="${live.kinds.join(',')}" data-interval="${live.intervalMs}"`
  }>
<div id="state" data-region>${warnState(ports)}</div>
${flash(c.req.query('done'))}
<div class="title"><h1>${title}</h1>${live === undefined ? '' : liveSwitch}</div>
${lead === undefined ? '' : html`<p class="lead">${lead}</p>`}
${body}
</main>
<footer><p>Postern ${ports.version} on ${ports.runtime} · <a href="/api/v1/reference">API</a> · <a href="/metrics">metrics</a></p></footer>`;
  return c.html(renderDocument(assets, { title, body: markup, hasCharts: hasCharts === true }), status);
}

/** Works with scripts only, and is shown by them. */
const liveSwitch = html`<button id="live" class="quiet" hidden aria-pressed="true">Live updates</button>
<span id="said" class="unseen" role="status"></span>`;

/** A whole HTML document. */
export function renderDocument(
  assets: Assets,
  { title, body, hasCharts = false }: { readonly title: string; readonly body: Content; readonly hasCharts?: boolean },
): Markup {
  const charts = html`<link rel="stylesheet" href="${assets.path('uplot.css')}">
<script type="module" src="${assets.path('charts.js')}"></script>
`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Postern</title>
<link rel="icon" href="${assets.path('icon.svg')}">
${hasCharts ? charts : ''}<link rel="stylesheet" href="${assets.path('pages.css')}">
<script type="module" src="${assets.path('pages.js')}"></script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
${body}
</body>
</html>`;
}

/** What has to be known on every page. */
function warnState({ gateState }: AdminPorts): Content {
  const gate = gateState();
  if (gate.isDraining) return html`<p class="notice bad"><strong>Draining:</strong> nobody is let in any more.</p>`;
  const failing = Object.values(assessReadiness(gate).checks).filter(({ status }) => status !== 'pass');
  return html`${failing.map(
    ({ status, detail }) => html`<p class="notice ${status === 'fail' ? 'bad' : 'warn'}">${detail}.</p>`,
  )}`;
}

/** A page that tells of a problem. */
export function renderProblem(
  c: PageContext,
  parts: PageParts,
  { status, title, detail }: { readonly status: PageStatus; readonly title: string; readonly detail: string },
): Response | Promise<Response> {
  const body = html`<p class="notice bad" role="alert">${detail}</p><p><a href="${pagesPath}">To the overview</a></p>`;
  return renderPage(c, parts, { title, body, status });
}

/** An account, leading to what is known of it. */
export function accountLink(account: string): Markup {
  return html`<a href="${accountPath(account)}">${name(account)}</a>`;
}

/** Whether buttons are of use to whoever asks. */
export function mayChange(c: PageContext): boolean {
  return c.var.admin.role === 'operator';
}
