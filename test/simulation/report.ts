import { type Column, formatTable } from '../../src/commands/text-table.ts';
import type { Played } from './simulate.ts';
import type { Result, Suffered } from './tally.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

interface Row {
  readonly title: string;
  readonly cell: (result: Result, others: readonly Result[]) => string;
}

const rows: readonly Row[] = [
  { title: 'guesses tried', cell: ({ guesses }) => count(guesses.tried) },
  { title: '- that reached the provider', cell: ({ guesses }) => count(guesses.reached) },
  { title: '- most at one account in 24 h', cell: ({ guesses }) => count(guesses.worst.count) },
  { title: 'owners kept out, at an address of theirs', cell: ({ ownersLockedOut }) => suffered(ownersLockedOut) },
  { title: 'owners kept out, at a new address', cell: ({ newAddressesRefused }) => suffered(newAddressesRefused) },
  { title: 'owners kept out, password changed back', cell: ({ changedBackRefused }) => suffered(changedBackRefused) },
  { title: 'owners kept out by the provider', cell: ({ lockedByProvider }) => suffered(lockedByProvider) },
  {
    title: 'owners kept waiting, at most',
    cell: ({ ownersWaited }) => `${Math.round(ownersWaited.longestMs / 1_000)} s`,
  },
  { title: 'stale passwords that reached the provider', cell: ({ staleLogins }) => count(staleLogins.reached) },
  { title: '- most for one device and password in 24 h', cell: ({ staleLogins }) => count(staleLogins.worst.count) },
  { title: 'accounts locked by the provider', cell: ({ providerLocks }) => count(providerLocks) },
  {
    title: '- avoided',
    cell: ({ providerLocks }, others) => count(Math.max(...others.map((other) => other.providerLocks)) - providerLocks),
  },
];

/** The results as a table of plain text, or of Markdown. */
export function formatReport(
  { scenario, logins, results }: Played,
  { isMarkdown }: { readonly isMarkdown: boolean },
): string {
  const columns: readonly Column<Row>[] = [
    { title: 'what', cell: ({ title }) => title },
    ...results.map((result) => ({
      title: result.gate,
      isNumber: true,
      cell: ({ cell }: Row) => cell(result, results),
    })),
  ];
  const { owners, days, seed } = scenario;
  const heading = `${count(owners)} owners, ${days} days under attack after a quiet one, seed ${seed}: ${count(logins)} logins`;
  return `${heading}\n\n${isMarkdown ? markdown(columns) : formatTable(columns, rows)}\n`;
}

function markdown(columns: readonly Column<Row>[]): string {
  const lines = [
    columns.map(({ title }) => title),
    columns.map(({ isNumber }) => (isNumber ? '---:' : '---')),
    ...rows.map((row) => columns.map(({ cell }) => cell(row))),
  ];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function count(number: number): string {
  return number.toLocaleString('en-US');
}

/** Owners, refused logins, and the longest that a program was out. */
function suffered({ owners, logins, longestMs }: Suffered): string {
  return owners === 0 ? '0' : `${count(owners)} (${count(logins)} logins, ${duration(longestMs)})`;
}

function duration(ms: number): string {
  return ms < hourMs ? `${Math.ceil(ms / minuteMs)} min` : `${Math.round(ms / hourMs)} h`;
}
