import { type Measured, type Row, subject, type Verdict } from './measured.ts';
import { ratios, summarize } from './statistics.ts';

/** What the report is about, beside the numbers. */
export interface ReportFacts {
  readonly date: string;
  readonly machine: string;
  /** Processes that the upstream consists of. */
  readonly upstreamProcesses: number;
  readonly runs: number;
  /** One line for each contender. */
  readonly contenders: readonly string[];
  /** What a contender's column is headed with, where that is not its name. */
  readonly headings: ReadonlyMap<string, string>;
  readonly conditions: readonly string[];
}

/** The whole report as text for people: a table, what came of it, and what it was measured on and with. */
export function formatReport(
  measured: readonly Measured[],
  { facts, isMarkdown }: { readonly facts: ReportFacts; readonly isMarkdown: boolean },
): string {
  const rows = measured.flatMap(({ rows: own }) => own).filter(({ values }) => values.size > 0);
  const names = [...new Set(rows.flatMap(({ values }) => [...values.keys()]))];
  const compared = rows.map((row) => ({ row, ratios: ratiosOf(row) }));
  const peers = names.filter((name) => compared.some((each) => each.ratios.has(name)));
  const heading = (name: string): string => facts.headings.get(name) ?? name;
  const cells = [
    ['load', 'figure', ...names.map(heading), ...peers.map((name) => `÷ ${heading(name)}`)],
    ...compared.map((each) => [
      each.row.load,
      each.row.figure,
      ...names.map((name) => formatCell(each.row.values.get(name))),
      ...peers.map((name) => formatCell(each.ratios.get(name))),
    ]),
  ];
  const verdicts = measured.flatMap((each) => each.verdicts ?? []).map(formatVerdict);
  const notes = [
    `Median (least–most) of ${facts.runs} alternated runs; "÷" is ${subject} to a peer, run by run.`,
    ...otherNumbersOfRuns(rows, facts.runs),
    ...facts.conditions,
    ...measured.flatMap((each) => each.notes ?? []),
    `Machine: ${facts.machine}. The upstream is ${facts.upstreamProcesses} processes. ${facts.date}`,
    ...facts.contenders,
  ];
  const list = (lines: readonly string[]): string => lines.map((line) => `${isMarkdown ? '- ' : ''}${line}\n`).join('');
  const table = isMarkdown ? markdownTable(cells) : plainTable(cells);
  return [`${table}\n`, ...(verdicts.length > 0 ? [list(verdicts)] : []), list(notes)].join('\n');
}

/** The same with every run's numbers, for programs. */
export function toJson(measured: readonly Measured[], facts: ReportFacts): string {
  const figures = measured
    .flatMap(({ rows }) => rows)
    .map((row) => ({
      load: row.load,
      figure: row.figure,
      values: Object.fromEntries(row.values),
      summaries: Object.fromEntries([...row.values].map(([name, values]) => [name, summarize(values)])),
      ratios: Object.fromEntries(ratiosOf(row)),
    }));
  const report = {
    version: 1,
    ...facts,
    headings: Object.fromEntries(facts.headings),
    figures,
    verdicts: measured.flatMap(({ verdicts }) => verdicts ?? []),
    notes: measured.flatMap(({ notes }) => notes ?? []),
    series: Object.assign({}, ...measured.map(({ series }) => series)),
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}

function ratiosOf({ values, against }: Row): ReadonlyMap<string, readonly number[]> {
  const own = values.get(subject);
  if (own === undefined || against === undefined) return new Map();
  const peers = [...values].filter(([name]) => name !== subject && (name !== 'direct' || against === 'all'));
  return new Map(peers.map(([name, others]) => [name, ratios(own, others)]));
}

function otherNumbersOfRuns(rows: readonly Row[], usual: number): string[] {
  const others = new Map<number, Set<string>>();
  for (const { load, values } of rows) {
    const runs = Math.max(...[...values.values()].map(({ length }) => length));
    if (runs !== usual) others.set(runs, (others.get(runs) ?? new Set()).add(load));
  }
  return [...others].map(([runs, loads]) => `Of ${runs === 1 ? '1 run' : `${runs} runs`}: ${[...loads].join('; ')}.`);
}

function formatVerdict({ holds, text }: Verdict): string {
  return `${holds ? 'holds' : 'FAILS'}: ${text}`;
}

function formatCell(values: readonly number[] | undefined): string {
  if (values === undefined) return '–';
  const { median, min, max } = summarize(values);
  return values.length === 1
    ? formatNumber(median)
    : `${formatNumber(median)} (${formatNumber(min)}–${formatNumber(max)})`;
}

/** Three significant digits are more than the spread lets stand. */
function formatNumber(value: number): string {
  return Math.abs(value) >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toPrecision(3);
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
