import { html } from 'hono/html';
import { comparableName } from '../../policy/lower-case.ts';
import type { LiveSession } from '../../telemetry/live-sessions.ts';
import type { Done } from './flash.ts';
import { readForm } from './form.ts';
import { actionButton, badge, type Column, type Content, name, searchForm, table } from './markup.ts';
import { accountLink, mayChange, type PageContext, type PageParts, type PagesApp, renderPage } from './page.ts';
import { withQuery } from './paths.ts';
import { amount, number, since } from './words.ts';

const path = '/ui/sessions';
/** A screen or two; the rest is found by searching. */
const pageSize = 50;

/** Adds the sessions that are open now. */
export function addSessionsPage(pages: PagesApp, parts: PageParts): void {
  const { endSession } = parts.ports;
  pages.get('/sessions', (c) => render(c, parts));
  pages.post('/sessions/end', async (c) => {
    const form = await readForm(c);
    const target = form.get('id') ?? '';
    const isEnded = await endSession(target, c.var.admin.name);
    parts.audit(c, { action: 'endSession', target, result: isEnded ? 'done' : 'not_found' });
    const done: Done = isEnded ? 'ended' : 'not-open';
    return c.redirect(withQuery(path, { search: form.get('search') ?? '', done }), 303);
  });
}

function render(c: PageContext, parts: PageParts) {
  const { sessions } = parts.ports;
  const search = c.req.query('search') ?? '';
  const text = comparableName(search);
  const filter = text === '' ? {} : { text };
  const cursor = Number(/^\d{1,15}$/.exec(c.req.query('cursor') ?? '')?.[0] ?? 0);
  const page = sessions.list({ ...filter, limit: pageSize, cursor });
  const matching = text === '' ? sessions.size : sessions.countMatching(filter);
  const links = [
    cursor === 0 ? '' : html`<a href="${withQuery(path, { search })}">First page</a>`,
    page.nextCursor === undefined
      ? ''
      : html`<a rel="next" href="${withQuery(path, { search, cursor: page.nextCursor })}">Next page</a>`,
  ];
  const body = html`${searchForm({
    action: path,
    name: 'search',
    label: 'Account, address, listener, upstream or session id',
    value: search,
    hint: 'user@example.com',
  })}
<div id="sessions" data-region data-say="${tell(matching)}">
<p class="count">${tell(matching)}${text === '' ? '' : html`, of ${number(sessions.size)}`}</p>
${table(page.sessions, {
  caption: 'Open sessions, the oldest first',
  columns: columnsFor(c, parts, search),
  empty: text === '' ? 'Nobody is connected right now.' : 'No open session matches.',
})}
<nav class="paging" aria-label="More sessions">${links}</nav>
</div>`;
  return renderPage(c, parts, {
    title: 'Sessions',
    lead: 'Open now, at this instance.',
    body,
    live: { kinds: ['sessionOpened', 'loginFinished', 'relayStarted', 'sessionClosed'], intervalMs: 2_000 },
  });
}

function tell(count: number): string {
  return `${number(count)} ${count === 1 ? 'session' : 'sessions'}`;
}

function columnsFor(c: PageContext, { nowMs }: PageParts, search: string): readonly Column<LiveSession>[] {
  const now = nowMs();
  const end: Column<LiveSession> = {
    title: 'End it',
    cell: ({ id, account, address }) =>
      actionButton({
        action: `${path}/end`,
        label: 'End',
        id: `end-${id}`,
        description: `End the session of ${account ?? 'nobody yet'} from ${address}`,
        fields: { id, search },
      }),
  };
  return [
    { title: 'Account', isHeading: true, cell: ({ account }) => (account === undefined ? '–' : accountLink(account)) },
    { title: 'Client', cell: describeClient },
    { title: 'Encryption', cell: describeEncryption },
    { title: 'Upstream', cell: ({ upstream }) => (upstream === undefined ? '–' : name(upstream)) },
    { title: 'State', cell: ({ state }) => (state === 'transaction' ? 'reading mail' : 'not logged in') },
    { title: 'Open', cell: ({ openedAtMs }) => since(openedAtMs, now) },
    { title: 'Sent to client', isNumber: true, cell: ({ traffic }) => amount(traffic.toClient) },
    ...(mayChange(c) ? [end] : []),
  ];
}

function describeClient({ address, listener, proxySource, clientCertificate }: LiveSession): Content {
  const details = [
    `by ${listener}`,
    ...(proxySource === undefined ? [] : [`behind ${proxySource}`]),
    ...(clientCertificate === undefined ? [] : [clientCertificate.subject]),
  ];
  return html`${address} <small>${details.join(', ')}</small>`;
}

function describeEncryption({ transport, clientTls }: LiveSession): Content {
  if (transport === 'plaintext') return badge('none', 'warn');
  return clientTls === undefined ? badge('TLS', 'good') : badge(clientTls.version.replace('TLSv', 'TLS '), 'good');
}
