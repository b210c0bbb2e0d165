import { z } from 'zod';
import { toCsv } from '../admin/inventory-csv.ts';
import { printable, printableJson } from '../telemetry/printable.ts';
import { AdminRequestError, askAdmin, nameOf } from './admin-client.ts';
import type { AdminAccess } from './admin-request.ts';
import { exitCodes } from './exit-codes.ts';
import { type Column, formatTable } from './text-table.ts';

/** The largest page that the API has. */
const pageSize = 1_000;
/** Ten times the most that an inventory can hold; ends an answer that never does. */
const maxPages = 10_000;

/** What `postern inventory` was asked for. */
export interface InventoryOptions {
  readonly access: AdminAccess;
  /** Only what logged in without TLS. */
  readonly unencrypted?: boolean | undefined;
  readonly account?: string | undefined;
  readonly format: 'table' | 'json' | 'csv';
  readonly out: { write(text: string): unknown };
}

// Another version may know more transports and fields.
const answerSchema = z.object({
  entries: z.array(
    z.object({
      account: z.string(),
      network: z.string(),
      listener: z.string(),
      transport: z.enum(['plaintext', 'stls', 'implicit']),
      tlsVersion: z.string().nullable(),
      cipher: z.string().nullable(),
      keyExchange: z.string().nullable(),
      firstSeen: z.iso.datetime(),
      lastSeen: z.iso.datetime(),
      logins: z.number(),
    }),
  ),
  nextCursor: z.string().nullable(),
});

type Entry = z.output<typeof answerSchema>['entries'][number];

/** Asks a running Postern who logs in how and prints it. Resolves to the exit code; rejects with `AdminRequestError`. */
export async function runInventory(options: InventoryOptions): Promise<number> {
  const entries = await fetchAll(options);
  options.out.write(render(entries, options));
  return exitCodes.fine;
}

async function fetchAll({ access, unencrypted, account }: InventoryOptions): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  const query = new URLSearchParams({ limit: String(pageSize) });
  if (unencrypted) query.set('unencrypted', 'true');
  if (account !== undefined) query.set('account', account);
  for (let page = 0; page < maxPages; page += 1) {
    const answer = answerSchema.safeParse(await askAdmin(access, `/api/v1/inventory?${query}`));
    if (!answer.success) break;
    entries.push(...answer.data.entries);
    if (answer.data.nextCursor === null) return entries;
    query.set('cursor', answer.data.nextCursor);
  }
  throw new AdminRequestError(`Cannot read the answer of "${nameOf(access)}": it is not an inventory`);
}

function render(entries: readonly Entry[], { format, unencrypted }: InventoryOptions): string {
  switch (format) {
    case 'json':
      return `${printableJson(entries)}\n`;
    case 'csv':
      return toCsv(entries);
    case 'table':
      return `${renderTable(entries, unencrypted === true)}\n`;
    default:
      return format satisfies never;
  }
}

const columns: readonly Column<Entry>[] = [
  { title: 'account', cell: ({ account }) => printable(account, 254) },
  { title: 'from', cell: ({ network }) => printable(network, 64) },
  { title: 'listener', cell: ({ listener }) => printable(listener, 63) },
  { title: 'encryption', cell: describeEncryption },
  { title: 'first login (UTC)', cell: ({ firstSeen }) => toMinute(firstSeen) },
  { title: 'last login (UTC)', cell: ({ lastSeen }) => toMinute(lastSeen) },
  { title: 'logins', isNumber: true, cell: ({ logins }) => String(logins) },
];

function renderTable(entries: readonly Entry[], isUnencryptedOnly: boolean): string {
  if (entries.length === 0) {
    return isUnencryptedOnly ? 'No login without TLS is in the inventory' : 'No login is in the inventory';
  }
  const latestFirst = entries.toSorted((one, other) => (one.lastSeen < other.lastSeen ? 1 : -1));
  const inTheClear = entries.filter(({ transport }) => transport === 'plaintext').length;
  const summary = isUnencryptedOnly
    ? `${count(entries.length)} without TLS`
    : `${count(entries.length)}, ${inTheClear === 0 ? 'none' : inTheClear} of them without TLS`;
  return `${formatTable(columns, latestFirst)}\n\n${summary}`;
}

function describeEncryption({ transport, tlsVersion, cipher, keyExchange }: Entry): string {
  if (transport === 'plaintext') return 'none';
  const agreed = [tlsVersion, cipher, keyExchange].filter((part) => part !== null).map((part) => printable(part, 64));
  return [...agreed, `(${transport === 'stls' ? 'STLS' : 'implicit'})`].join(' ');
}

function toMinute(iso: string): string {
  return iso.slice(0, 16).replace('T', ' ');
}

function count(clients: number): string {
  return `${clients} ${clients === 1 ? 'client' : 'clients'}`;
}
