import { html } from 'hono/html';
import { comparableName } from '../../policy/lower-case.ts';
import type { InventoryEntry } from '../../telemetry/inventory/inventory-entry.ts';
import { streamInventory } from './inventory-download.ts';
import { badge, type Column, table } from './markup.ts';
import { accountLink, type PageContext, type PageParts, type PagesApp, renderPage, renderProblem } from './page.ts';
import { withQuery } from './paths.ts';
import { number, since } from './words.ts';

const path = '/ui/encryption';
const csvPath = `${path}/inventory.csv`;
const pageSize = 100;

/** Which logins to show. */
const filters = { all: 'All', unencrypted: 'Unencrypted', encrypted: 'Encrypted' } as const;
type Filter = keyof typeof filters;

/** Adds the inventory: who logs in with which encryption. */
export function addEncryptionPage(pages: PagesApp, parts: PageParts): void {
  pages.get('/encryption', (c) => render(c, parts));
  pages.get('/encryption/inventory.csv', (c) => download(c, parts));
}

function readQuery(c: PageContext) {
  const account = comparableName(c.req.query('account') ?? '');
  const show = readFilter(c.req.query('show'));
  const query = {
    ...(account !== '' && { account }),
    ...(show !== 'all' && { isEncrypted: show === 'encrypted' }),
    networks: [],
  };
  return { account, show, query };
}

function download(c: PageContext, parts: PageParts): Response | Promise<Response> {
  const { inventory } = parts.ports;
  if (inventory === undefined) return turnedOff(c, parts);
  return c.body(streamInventory(inventory, readQuery(c).query), 200, {
    'Content-Type': 'text/csv; charset=utf-8; header=present',
    'Content-Disposition': 'attachment; filename="inventory.csv"',
  });
}

function turnedOff(c: PageContext, parts: PageParts): Response | Promise<Response> {
  const detail = 'The inventory is turned off: inventory.retention is 0 in the configuration.';
  return renderProblem(c, parts, { status: 404, title: 'Encryption', detail });
}

async function render(c: PageContext, parts: PageParts): Promise<Response> {
  const { inventory, onError } = parts.ports;
  if (inventory === undefined) return turnedOff(c, parts);
  const { account, show, query } = readQuery(c);
  const cursor = /^[\w-]{1,8000}$/.exec(c.req.query('cursor') ?? '')?.[0];
  const page = await inventory
    .list({ ...query, ...(cursor !== undefined && { cursor }), limit: pageSize })
    .catch((error: unknown) => {
      onError(error);
      return undefined;
    });
  if (page === undefined) {
    const detail = 'The store of the inventory cannot be asked right now. Try again in a moment.';
    return renderProblem(c, parts, { status: 503, title: 'Encryption', detail });
  }
  const csv = withQuery(csvPath, { account, show });
  const { entries, nextCursor } = page;
  const body = html`${renderFilters(account, show)}
<div id="entries" data-region>
${table(entries, { caption: 'Logins by account, client network, listener and transport', columns: columnsAt(parts.nowMs()), empty: 'There is no such login on record.' })}
</div>
<nav class="paging" aria-label="More entries">
${cursor === undefined ? '' : html`<a href="${withQuery(path, { account, show })}">First page</a>`}
${nextCursor === undefined ? '' : html`<a rel="next" href="${withQuery(path, { account, show, cursor: nextCursor })}">Next page</a>`}
<a href="${csv}" download="inventory.csv">Download as CSV</a>
</nav>`;
  return renderPage(c, parts, {
    title: 'Encryption',
    lead: 'Who logs in with which encryption, from where, and when last. A client that moved to TLS is listed under both.',
    body,
    live: { kinds: ['loginFinished'], intervalMs: 5_000 },
  });
}

function readFilter(text: string | undefined): Filter {
  return text === 'unencrypted' || text === 'encrypted' ? text : 'all';
}

function renderFilters(account: string, show: Filter) {
  return html`<form method="get" action="${path}" role="search" class="search">
<label for="search">Account</label>
<div class="row"><input id="search" type="search" name="account" value="${account}" placeholder="user@example.com" maxlength="400" autocomplete="off" spellcheck="false" autocapitalize="none">
<label class="unseen" for="show">Which logins</label>
<select id="show" name="show">${Object.entries(filters).map(
    ([value, label]) => html`<option value="${value}"${value === show ? html` selected` : ''}>${label}</option>`,
  )}</select>
<button>Show</button></div>
</form>`;
}

function columnsAt(now: number): readonly Column<InventoryEntry>[] {
  return [
    { title: 'Account', isHeading: true, cell: ({ account }) => accountLink(account) },
    { title: 'From', cell: ({ network }) => network },
    { title: 'Listener', cell: ({ listener }) => listener },
    {
      title: 'Encryption',
      cell: ({ tls, transport }) =>
        transport === 'plaintext'
          ? badge('none', 'warn')
          : html`${badge(tls?.version.replace('TLSv', 'TLS ') ?? 'TLS', 'good')} <small>${tls?.cipher ?? ''}</small>`,
    },
    { title: 'Logins', isNumber: true, cell: ({ logins }) => number(logins) },
    { title: 'First', cell: ({ firstSeenMs }) => since(firstSeenMs, now) },
    { title: 'Last', cell: ({ lastSeenMs }) => since(lastSeenMs, now) },
  ];
}
