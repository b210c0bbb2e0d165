import type { Figure } from './loads.ts';
import type { Measured } from './rounds.ts';
import { ratios, summarize } from './statistics.ts';

/** The contender that the others are compared with. */
const subject = 'postern';

/** What the report is about, beside the numbers. */
export interface ReportFacts {
  readonly date: string;
  readonly machine: string;
  readonly runs: number;
  /** One line for each contender. */
  readonly contenders: readonly string[];
  readonly conditions: readonly string[];
}

interface Row {
  readonly load: string;
  readonly figure: string;
  /** By contender, run by run. */
  readonly values: ReadonlyMap<string, readonly number[]>;
  readonly ratios: ReadonlyMap<string, readonly number[]>;
}

/** The whole report as text for people: a table, and what it was measured on and with. */
export function formatReport(
  measured: readonly Measured[],
  { facts, isMarkdown }: { readonly facts: ReportFacts; readonly isMarkdown: boolean },
): string {
  const rows = measured.flatMap(toRows);
  const names = [...new Set(measured.flatMap(({ observations }) => [...observations.keys()]))];
  const peers = names.filter((name) => rows.some((row) => row.ratios.has(name)));
  const cells = [
    ['load', 'figure', ...names, ...peers.map((name) => `÷ ${name}`)],
    ...rows.map((row) => [
      row.load,
      row.figure,
      ...names.map((name) => formatCell(row.values.get(name))),
      ...peers.map((name) => formatCell(row.ratios.get(name))),
    ]),
  ];
  const notes = [
    `Median (least–most) of ${facts.runs} alternated runs; "÷" is ${subject} to a peer, run by run.`,
    ...facts.conditions,
    `Machine: ${facts.machine}. ${facts.date}`,
    ...facts.contenders,
  ];
  const table = isMarkdown ? markdownTable(cells) : plainTable(cells);
  return `${table}\n\n${notes.map((note) => (isMarkdown ? `- ${note}` : note)).join('\n')}\n`;
}

/** The same with every run's numbers, for programs. */
export function toJson(measured: readonly Measured[], facts: ReportFacts): string {
  const loads = measured.flatMap(toRows).map(({ load, figure, values, ratios: peers }) => ({
    load,
    figure,
    values: Object.fromEntries(values),
    ratios: Object.fromEntries(peers),
  }));
  return `${JSON.stringify({ version: 1, ...facts, figures: loads }, null, 2)}\n`;
}

function toRows({ load, observations }: Measured): Row[] {
  return load.figures.map((figure) => {
    const values = new Map<string, readonly number[]>();
    for (const [name, runs] of observations) {
      const read = runs.map(figure.read).filter((value) => value !== undefined);
      if (read.length > 0) values.set(name, read);
    }
    return { load: load.title, figure: figure.name, values, ratios: ratiosOf(figure, values) };
  });
}

function ratiosOf(
  { hasRatio }: Figure,
  values: ReadonlyMap<string, readonly number[]>,
): ReadonlyMap<string, readonly number[]> {
  const own = values.get(subject);
  if (!hasRatio || own === undefined) return new Map();
  const peers = [...values].filter(([name]) => name !== subject && name !== 'direct');
  return new Map(peers.map(([name, others]) => [name, ratios(own, others)]));
}

function formatCell(values: readonly number[] | undefined): string {
  if (values === undefined) return '–';
  const { median, min, max } = summarize(values);
  return `${formatNumber(median)} (${formatNumber(min)}–${formatNumber(max)})`;
}

/** Three significant digits are more than the spread lets stand. */
function formatNumber(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function plainTable(cells: readonly (readonly string[])[]): string {
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function markdownTable([head = [], ...rows]: readonly (readonly string[])[]): string {
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
