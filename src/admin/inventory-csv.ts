import type { InventoryEntryView } from './inventory-view.ts';

const columns: readonly (readonly [title: string, cell: (entry: InventoryEntryView) => string | number | null])[] = [
  ['account', ({ account }) => account],
  ['network', ({ network }) => network],
  ['listener', ({ listener }) => listener],
  ['transport', ({ transport }) => transport],
  ['tls_version', ({ tlsVersion }) => tlsVersion],
  ['cipher', ({ cipher }) => cipher],
  ['key_exchange', ({ keyExchange }) => keyExchange],
  ['first_seen', ({ firstSeen }) => firstSeen],
  ['last_seen', ({ lastSeen }) => lastSeen],
  ['logins', ({ logins }) => logins],
];

/** What a spreadsheet takes for a formula or skips on its way to one, in full width too. */
const formulaStart = /^[\s=+\-@＝＋－＠]/u;

/** Entries as CSV with a header line (RFC 4180 §2). Account names are chosen by others: none is a formula to a spreadsheet. */
export function toCsv(entries: readonly InventoryEntryView[]): string {
  const rows = [columns.map(([title]) => title), ...entries.map((entry) => columns.map(([, cell]) => cell(entry)))];
  return rows.map((row) => `${row.map(quote).join(',')}\r\n`).join('');
}

/** Always in quotes, so that a spreadsheet with another separator finds none inside. */
function quote(value: string | number | null): string {
  const text = String(value ?? '');
  // An apostrophe says "text" to spreadsheets, and is the least that keeps the name readable.
  return `"${formulaStart.test(text) ? "'" : ''}${text.replaceAll('"', '""')}"`;
}
