import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { accepts } from 'hono/accepts';
import { lowerCaseAscii } from '../../policy/lower-case.ts';
import { readNetworkFilter } from '../../policy/network-filter.ts';
import { transports } from '../../policy/transport.ts';
import type { InventoryPage, InventoryQuery } from '../../telemetry/inventory/inventory.ts';
import type { AdminApp, AdminEnv } from '../admin-env.ts';
import { toCsv } from '../inventory-csv.ts';
import { type InventoryEntryView, viewInventoryEntry } from '../inventory-view.ts';
import type { AdminPorts } from '../ports.ts';
import { problem, problemResponse } from '../problem.ts';
import { cursorParameter, filterParameter, limitParameter, nextCursorSchema, timeSchema } from './paging.ts';

const networkParameter = z
  .string()
  .transform((text, context) => {
    const filter = readNetworkFilter(text);
    if (filter !== undefined) return filter;
    context.addIssue({ code: 'custom', message: 'must be an IP address or a network such as 192.168.10.0/24' });
    return z.NEVER;
  })
  .optional()
  .openapi({ type: 'string', example: '192.168.10.0/24' });

/** ISO 8601, a day or a time with its zone. */
const sinceParameter = z
  .string()
  .regex(
    /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/,
    'must be a time such as 2026-01-31 or 2026-01-31T12:00:00Z',
  )
  .transform((text) => Date.parse(text))
  .refine((ms) => !Number.isNaN(ms), 'must be a time that there is')
  .optional()
  .openapi({ type: 'string', example: '2026-01-31' });

const querySchema = z.strictObject({
  account: filterParameter('Only this account.'),
  address: networkParameter,
  network: networkParameter,
  listener: filterParameter('Only this listener.'),
  transport: z.enum(transports).optional(),
  unencrypted: z.enum(['true', 'false']).optional().openapi({ description: 'Only logins without TLS, or only with.' }),
  since: sinceParameter,
  limit: limitParameter,
  cursor: cursorParameter(/^[\w-]{1,8000}$/),
  format: z.enum(['json', 'csv']).optional().openapi({ description: 'Default: what `Accept` prefers.' }),
});

const entrySchema: z.ZodType<InventoryEntryView> = z
  .object({
    account: z.string(),
    network: z.string(),
    listener: z.string(),
    transport: z.enum(transports),
    tlsVersion: z.string().nullable(),
    cipher: z.string().nullable(),
    keyExchange: z.string().nullable(),
    firstSeen: timeSchema,
    lastSeen: timeSchema,
    logins: z.int(),
  })
  .openapi('InventoryEntry');

const route = createRoute({
  method: 'get',
  path: '/api/v1/inventory',
  tags: ['Inventory'],
  summary: 'Who logs in with which encryption, as JSON or CSV',
  request: { query: querySchema },
  responses: {
    200: {
      description: 'A page of clients; as CSV the next one is in the header Link',
      content: {
        'application/json': {
          schema: z.object({ entries: z.array(entrySchema), nextCursor: nextCursorSchema }).openapi('Inventory'),
        },
        'text/csv': { schema: z.string() },
      },
    },
    400: problemResponse('A parameter is not accepted'),
    404: problemResponse('The inventory is turned off'),
    503: problemResponse('The store of the inventory cannot be asked right now'),
  },
});

/** Adds `/api/v1/inventory`. */
export function addInventory(app: AdminApp, { inventory, onError }: AdminPorts): void {
  app.openapi(route, async (c) => {
    if (inventory === undefined) {
      return problem(c, { status: 404, detail: 'The inventory is turned off: `inventory.retention` is 0' });
    }
    const query = c.req.valid('query');
    let page: InventoryPage;
    try {
      page = await inventory.list(toInventoryQuery(query));
    } catch (error) {
      onError(error);
      return problem(c, { status: 503, detail: 'The store of the inventory cannot be asked right now' });
    }
    const entries = page.entries.map(viewInventoryEntry);
    const nextCursor = page.nextCursor ?? null;
    c.header('Vary', 'Accept');
    // RFC 8288 §3: in CSV there is no other place for it.
    if (nextCursor !== null) c.header('Link', `<${nextPath(c, nextCursor)}>; rel="next"`);
    if (wantedFormat(c, query.format) === 'json') return c.json({ entries, nextCursor }, 200);
    return c.body(toCsv(entries), 200, {
      'Content-Type': 'text/csv; charset=utf-8; header=present',
      'Content-Disposition': 'attachment; filename="inventory.csv"',
    });
  });
}

function toInventoryQuery(query: z.output<typeof querySchema>): InventoryQuery {
  const { account, address, network, listener, transport, unencrypted, since, limit, cursor } = query;
  return {
    ...(account !== undefined && { account: lowerCaseAscii(account) }),
    ...(listener !== undefined && { listener }),
    ...(transport !== undefined && { transport }),
    ...(unencrypted !== undefined && { isEncrypted: unencrypted === 'false' }),
    ...(since !== undefined && { sinceMs: since }),
    ...(cursor !== undefined && { cursor }),
    networks: [address, network].filter((filter) => filter !== undefined),
    limit,
  };
}

function nextPath(c: Context<AdminEnv>, cursor: string): string {
  const { pathname, searchParams } = new URL(c.req.url);
  searchParams.set('cursor', cursor);
  return `${pathname}?${searchParams}`;
}

function wantedFormat(c: Context<AdminEnv>, format: 'json' | 'csv' | undefined): 'json' | 'csv' {
  if (format !== undefined) return format;
  const supports = ['application/json', 'text/csv'];
  return accepts(c, { header: 'Accept', supports, default: 'application/json' }) === 'text/csv' ? 'csv' : 'json';
}
