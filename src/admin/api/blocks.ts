import { createRoute, z } from '@hono/zod-openapi';
import type { Block } from '../../guard/block.ts';
import { readAddress } from '../../policy/guard/ip-block.ts';
import { canonicalTarget, type EntryTarget } from '../../policy/guard/manual-entries.ts';
import { limitNames } from '../../policy/login-limits.ts';
import { comparableName } from '../../policy/lower-case.ts';
import type { AdminApp } from '../admin-env.ts';
import { createAudit } from '../audit.ts';
import type { AdminPorts } from '../ports.ts';
import { problem, problemResponse } from '../problem.ts';
import { blockSchema, concernsAccount, concernsAddress, viewBlock } from './block-view.ts';
import { cursorParameter, filterParameter, limitParameter, nextCursorSchema } from './paging.ts';

/** Ten years: longer is for good, which is said by leaving it out. */
const maxDurationSeconds = 3_650 * 86_400;

const addressParameter = z
  .string()
  .refine((text) => readAddress(text) !== undefined, 'must be an IP address')
  .optional()
  .openapi({ description: 'Only what concerns this address: its own blocks, and those of networks around it.' });

const listQuery = z.strictObject({
  account: filterParameter('Only what concerns this account.'),
  address: addressParameter,
  subject: filterParameter('Only what has exactly this subject.'),
  limitName: z.enum(limitNames).optional().openapi({ description: 'Only blocks of this login limit.' }),
  origin: z.enum(['automatic', 'manual']).optional(),
  effect: z.enum(['block', 'allow']).optional(),
  limit: limitParameter,
  cursor: cursorParameter(/^[\w-]{1,800}$/),
});

const storeDown = problemResponse('The store of the login limits cannot be asked right now');

const listRoute = createRoute({
  method: 'get',
  path: '/api/v1/blocks',
  tags: ['Blocks'],
  summary: 'Blocks in force and entries of operators, those that end last first',
  request: { query: listQuery },
  responses: {
    200: {
      description: 'A page of blocks',
      content: {
        'application/json': {
          schema: z
            .object({ total: z.int(), blocks: z.array(blockSchema), nextCursor: nextCursorSchema })
            .openapi('Blocks'),
        },
      },
    },
    400: problemResponse('A parameter is not accepted'),
    503: storeDown,
  },
});

const entrySchema = z
  .strictObject({
    effect: z.enum(['block', 'allow']).default('block'),
    network: z.string().max(100).optional().openapi({ example: '192.0.2.0/24' }),
    account: z.string().max(400).optional().openapi({ example: 'user@example.com', description: 'Or *@example.com' }),
    reason: z
      .string()
      .trim()
      .regex(/^[^\p{C}\p{Zl}\p{Zp}]{1,200}$/u, 'must say why, in 1 to 200 printable characters')
      .openapi({ example: 'the scanner on the third floor' }),
    durationSeconds: z
      .int()
      .min(1)
      .max(maxDurationSeconds)
      .optional()
      .openapi({ description: 'Absent: until it is lifted.' }),
  })
  .openapi('Entry', { description: 'Exactly one of `network` and `account`.' });

const addRoute = createRoute({
  method: 'post',
  path: '/api/v1/blocks',
  tags: ['Blocks'],
  summary: 'Block a network or an account, or exempt it from the automatic limits',
  request: { body: { required: true, content: { 'application/json': { schema: entrySchema } } } },
  responses: {
    201: { description: 'It holds', content: { 'application/json': { schema: blockSchema } } },
    400: problemResponse('The entry is not accepted'),
    503: storeDown,
  },
});

const liftRoute = createRoute({
  method: 'delete',
  path: '/api/v1/blocks/{id}',
  tags: ['Blocks'],
  summary: 'Lift a block, or take an entry back',
  request: { params: z.object({ id: z.string().max(800).openapi({ description: 'The `id` of a block.' }) }) },
  responses: { 204: { description: 'It is lifted' }, 404: problemResponse('There is none'), 503: storeDown },
});

/** Adds `/api/v1/blocks`. */
export function addBlocks(app: AdminApp, ports: AdminPorts): void {
  addList(app, ports);
  addAdd(app, ports);
  addLift(app, ports);
}

function addList(app: AdminApp, { guard }: AdminPorts): void {
  app.openapi(listRoute, async (c) => {
    const { limit, cursor, ...filters } = c.req.valid('query');
    const found = (await guard.listBlocks()).filter((block) => matches(block, filters)).toSorted(byEnd);
    const after = cursor === undefined ? undefined : readCursor(cursor);
    const rest = after === undefined ? found : found.filter((block) => byEnd(block, after) > 0);
    const page = rest.slice(0, limit);
    const last = page.at(-1);
    const nextCursor = last === undefined || page.length === rest.length ? null : formatCursor(last);
    return c.json({ total: found.length, blocks: page.map(viewBlock), nextCursor }, 200);
  });
}

function addAdd(app: AdminApp, ports: AdminPorts): void {
  const audit = createAudit(ports);
  app.openapi(addRoute, async (c) => {
    const { effect, network, account, reason, durationSeconds } = c.req.valid('json');
    const target = readTarget({ network, account });
    if (typeof target === 'string') return problem(c, { status: 400, detail: target });
    const nowMs = (ports.nowMs ?? Date.now)();
    const until = durationSeconds === undefined ? {} : { untilMs: nowMs + durationSeconds * 1_000 };
    const action = { action: 'addBlock', target: `${effect} ${Object.values(target).join(' ')}` } as const;
    try {
      const block = await ports.guard.addEntry({ effect, target, reason, ...until }, c.var.admin.name);
      audit(c, { ...action, result: 'done' });
      return c.json(viewBlock(block), 201, { Location: `/api/v1/blocks/${encodeURIComponent(block.id)}` });
    } catch (error) {
      const isRefused = error instanceof Error && error.name === 'EntryRefused';
      audit(c, { ...action, result: isRefused ? 'refused' : 'failed' });
      if (!isRefused) throw error;
      return problem(c, { status: 400, detail: error.message });
    }
  });
}

function addLift(app: AdminApp, ports: AdminPorts): void {
  const audit = createAudit(ports);
  app.openapi(liftRoute, async (c) => {
    const { id: target } = c.req.valid('param');
    try {
      const isLifted = await ports.guard.liftBlock(target, c.var.admin.name);
      audit(c, { action: 'liftBlock', target, result: isLifted ? 'done' : 'not_found' });
      return isLifted ? c.body(null, 204) : problem(c, { status: 404, detail: 'There is no block with this id' });
    } catch (error) {
      audit(c, { action: 'liftBlock', target, result: 'failed' });
      throw error;
    }
  });
}

type Filters = Omit<z.output<typeof listQuery>, 'limit' | 'cursor'>;

function matches(block: Block, { account, address, subject, limitName, origin, effect }: Filters): boolean {
  return (
    (account === undefined || concernsAccount(block, comparableName(account))) &&
    (address === undefined || concernsAddress(block, address)) &&
    (subject === undefined || block.subject === comparableName(subject)) &&
    (limitName === undefined || block.limit === limitName) &&
    (origin === undefined || block.origin === origin) &&
    (effect === undefined || block.effect === effect)
  );
}

/** The target, or what is wrong with it. */
function readTarget({ network, account }: { network: string | undefined; account: string | undefined }) {
  if ((network === undefined) === (account === undefined)) return 'Name either a "network" or an "account"';
  const target: EntryTarget = network === undefined ? { account: account ?? '' } : { network };
  const accepted =
    network === undefined
      ? '"account" must be an account such as user@example.com, or *@example.com for all of a domain'
      : '"network" must be an address, or a network such as 192.0.2.0/24 that starts at its first address';
  return canonicalTarget(target) ?? accepted;
}

type Position = Pick<Block, 'id'> & { readonly untilMs?: number };

/** What ends last comes first. The ids make an order of it that is the same for every page. */
function byEnd(one: Position, other: Position): number {
  const [first, second] = [one.untilMs ?? Number.MAX_SAFE_INTEGER, other.untilMs ?? Number.MAX_SAFE_INTEGER];
  if (first !== second) return second - first;
  return one.id < other.id ? -1 : Number(one.id > other.id);
}

function formatCursor({ id, untilMs }: Position): string {
  return Buffer.from(`${untilMs ?? ''} ${id}`).toString('base64url');
}

function readCursor(cursor: string): Position {
  const [untilText = '', id = ''] = Buffer.from(cursor, 'base64url').toString('utf8').split(' ');
  return untilText === '' ? { id } : { id, untilMs: Number(untilText) || 0 };
}
