import { z } from 'zod';
import { readDuration } from '../config/duration.ts';
import { printable, printableJson } from '../telemetry/printable.ts';
import { AdminRequestError, askAdmin, nameOf } from './admin-client.ts';
import type { AdminAccess } from './admin-request.ts';
import { exitCodes } from './exit-codes.ts';
import { type Column, formatTable } from './text-table.ts';
import { UsageError } from './usage-error.ts';

/** The largest page that the API has. */
const pageSize = 1_000;
/** Far above what a guard keeps; ends an answer that never does. */
const maxPages = 1_000;

interface BlocksOptions {
  readonly access: AdminAccess;
  readonly json?: boolean | undefined;
  readonly out: { write(text: string): unknown };
}

/** What `postern blocks list` was asked for. */
export interface BlocksListOptions extends BlocksOptions {
  readonly account?: string | undefined;
  readonly address?: string | undefined;
}

/** What `postern blocks add` was asked for. */
export interface BlocksAddOptions extends BlocksOptions {
  readonly entry: {
    readonly effect: 'block' | 'allow';
    readonly network?: string | undefined;
    readonly account?: string | undefined;
    readonly reason: string;
    /** As in a configuration: `12h`. Absent: until it is lifted. */
    readonly length?: string | undefined;
  };
}

/** What `postern blocks lift` was asked for. */
export interface BlocksLiftOptions extends BlocksOptions {
  /** An id or a subject. */
  readonly block: string;
}

// Another version may know more limits and fields.
const blockSchema = z.object({
  id: z.string(),
  effect: z.enum(['block', 'allow']),
  origin: z.enum(['automatic', 'manual']),
  limit: z.string().nullable(),
  subject: z.string(),
  until: z.iso.datetime().nullable(),
  strikes: z.number().nullable(),
  reason: z.string().nullable(),
  by: z.string().nullable(),
  addedAt: z.iso.datetime().nullable(),
});

const pageSchema = z.object({ blocks: z.array(blockSchema), nextCursor: z.string().nullable() });

type Block = z.output<typeof blockSchema>;

/** Prints blocks in force and entries. Resolves to the exit code; rejects with `AdminRequestError`. */
export async function runBlocksList({ access, account, address, json, out }: BlocksListOptions): Promise<number> {
  const blocks = await fetchAll(access, { account, address });
  out.write(json ? `${printableJson(blocks)}\n` : `${renderTable(blocks)}\n`);
  return exitCodes.fine;
}

/** Adds an entry and prints it. Resolves to the exit code; rejects with `AdminRequestError` or `UsageError`. */
export async function runBlocksAdd({ access, entry, json, out }: BlocksAddOptions): Promise<number> {
  const { effect, network, account, reason, length } = entry;
  if ((network === undefined) === (account === undefined)) {
    throw new UsageError('Cannot add a block: give either --network or --account');
  }
  const durationMs = length === undefined ? undefined : readDuration(length);
  if (length !== undefined && (durationMs === undefined || durationMs < 1_000)) {
    throw new UsageError(`Cannot add a block for "${length}": give a duration such as 30m, 12h or 7d`);
  }
  const durationSeconds = durationMs === undefined ? undefined : Math.ceil(durationMs / 1_000);
  const body = { effect, network, account, reason, durationSeconds };
  const added = blockSchema.safeParse(await askAdmin(access, { path: '/api/v1/blocks', method: 'POST', body }));
  if (!added.success) throw unreadable(access);
  out.write(json ? `${printableJson(added.data)}\n` : `${describeEntry(added.data)}\n`);
  return exitCodes.fine;
}

/** Lifts a block by its id, or all that have just this subject. Resolves to the exit code: 1 where there is none. */
export async function runBlocksLift({ access, block, out }: BlocksLiftOptions): Promise<number> {
  const all = await fetchAll(access, {});
  const [byId] = all.filter(({ id }) => id === block);
  const wanted = byId === undefined ? all.filter(({ subject }) => isSame(subject, block)) : [byId];
  let lifted = 0;
  for (const { id, effect, subject, limit } of wanted) {
    if (!(await lift(access, id))) continue;
    lifted += 1;
    const what = limit ?? `an operator's ${effect}`;
    out.write(`Lifted: ${printable(subject, 320)} (${printable(what, 64)})\n`);
  }
  if (lifted === 0) out.write(`There is no block with the id or subject "${printable(block, 320)}"\n`);
  return lifted === 0 ? exitCodes.failed : exitCodes.fine;
}

/** False: it ended in the meantime. */
async function lift(access: AdminAccess, id: string): Promise<boolean> {
  try {
    await askAdmin(access, { path: `/api/v1/blocks/${encodeURIComponent(id)}`, method: 'DELETE' });
    return true;
  } catch (error) {
    if (error instanceof AdminRequestError && error.status === 404) return false;
    throw error;
  }
}

async function fetchAll(
  access: AdminAccess,
  filters: Readonly<Record<string, string | undefined>>,
): Promise<readonly Block[]> {
  const blocks: Block[] = [];
  const query = new URLSearchParams({ limit: String(pageSize) });
  for (const [name, value] of Object.entries(filters)) if (value !== undefined) query.set(name, value);
  for (let page = 0; page < maxPages; page += 1) {
    const answer = pageSchema.safeParse(await askAdmin(access, `/api/v1/blocks?${query}`));
    if (!answer.success) break;
    blocks.push(...answer.data.blocks);
    if (answer.data.nextCursor === null) return blocks;
    query.set('cursor', answer.data.nextCursor);
  }
  throw unreadable(access);
}

function unreadable(access: AdminAccess): AdminRequestError {
  return new AdminRequestError(`Cannot read the answer of "${nameOf(access)}": it is not about blocks`);
}

function isSame(subject: string, asked: string): boolean {
  return subject === asked.trim().toLowerCase();
}

const columns: readonly Column<Block>[] = [
  { title: 'effect', cell: ({ effect }) => effect },
  { title: 'subject', cell: ({ subject }) => printable(subject, 320) },
  { title: 'until (UTC)', cell: ({ until }) => (until === null ? 'no end' : toMinute(until)) },
  { title: 'why', cell: describeWhy },
  { title: 'id', cell: ({ id }) => printable(id, 800) },
];

function renderTable(blocks: readonly Block[]): string {
  if (blocks.length === 0) return 'Nothing is blocked or exempted';
  const automatic = blocks.filter(({ origin }) => origin === 'automatic').length;
  return `${formatTable(columns, blocks)}\n\n${automatic} by limits, ${blocks.length - automatic} by operators`;
}

function describeWhy({ limit, reason, by, strikes }: Block): string {
  if (limit === null) return `${printable(reason ?? '', 200)} (${printable(by ?? 'unknown', 63)})`;
  return `${printable(limit, 64)}${strikes !== null && strikes > 1 ? `, ${strikes} in a row` : ''}`;
}

function describeEntry({ effect, subject, until, id }: Block): string {
  const done = effect === 'block' ? 'Blocked' : 'Exempted from the automatic limits';
  const end = until === null ? 'until it is lifted' : `until ${toMinute(until)} UTC`;
  return `${done}: ${printable(subject, 320)}, ${end} (${printable(id, 800)})`;
}

function toMinute(iso: string): string {
  return iso.slice(0, 16).replace('T', ' ');
}
