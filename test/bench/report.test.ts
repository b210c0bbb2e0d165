import { describe, expect, it } from 'vitest';
import { type Figure, Observations } from './measured.ts';
import { formatReport, type ReportFacts, toJson } from './report.ts';

const facts: ReportFacts = {
  date: '2026-11-23',
  machine: '2 cores',
  upstreamProcesses: 2,
  runs: 2,
  contenders: ['postern: Postern 1'],
  headings: new Map([['nginx', 'nginx (in the clear)']]),
  conditions: [],
};

function rowsOf(values: Readonly<Record<string, readonly number[]>>, against?: 'proxies' | 'all') {
  const observations = new Observations<number>();
  for (const [name, runs] of Object.entries(values)) for (const value of runs) observations.add(name, value);
  const figure: Figure<number> = { name: 'ms', read: (value) => value, ...(against === undefined ? {} : { against }) };
  return observations.rows('poll', [figure]);
}

const lineOf = (report: string): string[] => report.split('\n')[1]?.split(/ {2,}/) ?? [];

describe('formatReport', () => {
  it('compares with proxies run by run, and not with the bare connection', () => {
    const rows = rowsOf({ postern: [1, 3], haproxy: [2, 2], direct: [1, 1] }, 'proxies');
    const report = formatReport([{ rows }], { facts, isMarkdown: false });
    expect(lineOf(report)).toEqual(['poll', 'ms', '2 (1–3)', '2 (2–2)', '1 (1–1)', '1 (0.500–1.50)']);
  });

  it('compares with the bare connection where that is asked for', () => {
    const rows = rowsOf({ postern: [1, 3], direct: [2, 2] }, 'all');
    const report = formatReport([{ rows }], { facts, isMarkdown: false });
    expect(lineOf(report).at(-1)).toBe('1 (0.500–1.50)');
  });

  it('heads a column with what its name would leave out', () => {
    const report = formatReport([{ rows: rowsOf({ postern: [1, 1], nginx: [1, 1] }) }], { facts, isMarkdown: false });
    expect(report.split('\n')[0]).toContain('nginx (in the clear)');
  });

  it('says what did not hold, and which loads had fewer runs', () => {
    const measured = { rows: rowsOf({ postern: [1] }), verdicts: [{ holds: false, text: 'memory stays' }] };
    const report = formatReport([measured], { facts, isMarkdown: false });
    expect(report).toContain('FAILS: memory stays\n');
    expect(report).toContain('Of 1 run: poll.\n');
  });
});

describe('toJson', () => {
  it('has every run, its summary, the ratios and what else was seen', () => {
    const rows = rowsOf({ postern: [1, 3], haproxy: [2, 2] }, 'proxies');
    const report = JSON.parse(toJson([{ rows, series: { soak: [{ pssKb: 1 }] } }], facts));
    expect(report.figures).toEqual([
      {
        load: 'poll',
        figure: 'ms',
        values: { postern: [1, 3], haproxy: [2, 2] },
        summaries: { postern: { median: 2, min: 1, max: 3 }, haproxy: { median: 2, min: 2, max: 2 } },
        ratios: { haproxy: [0.5, 1.5] },
      },
    ]);
    expect(report).toMatchObject({ date: '2026-11-23', machine: '2 cores', runs: 2, series: { soak: [{ pssKb: 1 }] } });
  });
});
