import type { Context, Hono } from 'hono';
import { accepts } from 'hono/accepts';
import { lowerCaseAscii } from '../policy/lower-case.ts';
import { type NetworkFilter, readNetworkFilter } from '../policy/network-filter.ts';
import { transports } from '../policy/transport.ts';
import type { InventoryPage, InventoryQuery } from '../telemetry/inventory/inventory.ts';
import type { AdminEnv } from './bearer-auth.ts';
import { toCsv } from './inventory-csv.ts';
import { viewInventoryEntry } from './inventory-view.ts';
import type { AdminPorts } from './ports.ts';
import { problem } from './problem.ts';

/** One page of about 2 MB at most: a whole inventory is fetched in a hundred. */
const maxPageSize = 1_000;

/** Adds `GET /api/v1/inventory`: who logs in with which encryption, as JSON or CSV. */
export function addInventory(app: Hono<AdminEnv>, { inventory, onError }: AdminPorts): void {
  app.get('/api/v1/inventory', async (c) => {
    if (inventory === undefined) {
      return problem(c, { status: 404, detail: 'The inventory is turned off: `inventory.retention` is 0' });
    }
    const query = parseQuery(c);
    if (typeof query === 'string') return problem(c, { status: 400, detail: query });
    const format = wantedFormat(c);
    if (format === undefined) return problem(c, { status: 400, detail: '"format" must be json or csv' });
    let page: InventoryPage;
    try {
      page = await inventory.list(query);
    } catch (error) {
      onError(error);
      return problem(c, { status: 503, detail: 'The store of the inventory cannot be asked right now' });
    }
    return sendPage(c, { page, format });
  });
}

function sendPage(c: Context<AdminEnv>, { page, format }: { page: InventoryPage; format: 'json' | 'csv' }): Response {
  const { entries, nextCursor } = page;
  const views = entries.map(viewInventoryEntry);
  c.header('Vary', 'Accept');
  // RFC 8288 §3: in CSV there is no other place for it.
  if (nextCursor !== undefined) c.header('Link', `<${nextPath(c, nextCursor)}>; rel="next"`);
  if (format === 'json') return c.json({ entries: views, nextCursor: nextCursor ?? null });
  return c.body(toCsv(views), 200, {
    'Content-Type': 'text/csv; charset=utf-8; header=present',
    'Content-Disposition': 'attachment; filename="inventory.csv"',
  });
}

function nextPath(c: Context<AdminEnv>, cursor: string): string {
  const { pathname, searchParams } = new URL(c.req.url);
  searchParams.set('cursor', cursor);
  return `${pathname}?${searchParams}`;
}

function wantedFormat(c: Context<AdminEnv>): 'json' | 'csv' | undefined {
  const format = c.req.query('format');
  if (format !== undefined) return format === 'json' || format === 'csv' ? format : undefined;
  const supports = ['application/json', 'text/csv'];
  return accepts(c, { header: 'Accept', supports, default: 'application/json' }) === 'text/csv' ? 'csv' : 'json';
}

/** The query, or what is wrong with it. */
function parseQuery(c: Context<AdminEnv>): InventoryQuery | string {
  const { account, listener, transport, unencrypted, since, limit = '100', cursor } = c.req.query();
  if (!/^[1-9]\d{0,3}$/.test(limit) || Number(limit) > maxPageSize) {
    return `"limit" must be a whole number from 1 to ${maxPageSize}`;
  }
  if (cursor !== undefined && !/^[\w-]{1,8000}$/.test(cursor)) {
    return '"cursor" must be the "nextCursor" of the page before';
  }
  const wanted = transports.find((each) => each === transport);
  if (transport !== undefined && wanted === undefined) return `"transport" must be one of ${transports.join(', ')}`;
  if (unencrypted !== undefined && unencrypted !== 'true' && unencrypted !== 'false') {
    return '"unencrypted" must be true or false';
  }
  const networks = parseNetworks(c);
  if (typeof networks === 'string') return networks;
  const sinceMs = since === undefined ? undefined : readTime(since);
  if (Number.isNaN(sinceMs)) return '"since" must be a time such as 2026-01-31 or 2026-01-31T12:00:00Z';
  return {
    ...(account !== undefined && { account: lowerCaseAscii(account) }),
    ...(listener !== undefined && { listener }),
    ...(wanted !== undefined && { transport: wanted }),
    ...(unencrypted !== undefined && { isEncrypted: unencrypted === 'false' }),
    ...(sinceMs !== undefined && { sinceMs }),
    ...(cursor !== undefined && { cursor }),
    networks,
    limit: Number(limit),
  };
}

function parseNetworks(c: Context<AdminEnv>): readonly NetworkFilter[] | string {
  const filters: NetworkFilter[] = [];
  for (const name of ['address', 'network']) {
    const text = c.req.query(name);
    if (text === undefined) continue;
    const filter = readNetworkFilter(text);
    if (filter === undefined) return `"${name}" must be an IP address or a network such as 192.168.10.0/24`;
    filters.push(filter);
  }
  return filters;
}

/** ISO 8601, a day or a time with its zone; NaN where the text is neither. */
function readTime(text: string): number {
  const isComplete = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  return isComplete ? Date.parse(text) : Number.NaN;
}
