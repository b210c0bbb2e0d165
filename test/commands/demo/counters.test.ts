import { describe, expect, it } from 'vitest';
import { movedCounters } from '../../../src/commands/demo/counters.ts';

const exposed = (lines: readonly string[]): string => ['# HELP a b', '# TYPE a counter', ...lines, ''].join('\n');

describe('movedCounters', () => {
  it('tells what moved and by how much, a new series from 0', () => {
    const before = exposed(['postern_connections_total{listener="lan"} 3', 'postern_logins_total{result="refused"} 1']);
    const after = exposed([
      'postern_connections_total{listener="lan"} 5',
      'postern_logins_total{result="refused"} 1',
      'postern_logins_total{result="accepted",transport="stls"} 2',
    ]);
    expect(movedCounters(before, after)).toEqual([
      { name: 'postern_connections_total', labels: ['listener=lan'], by: 2 },
      { name: 'postern_logins_total', labels: ['result=accepted', 'transport=stls'], by: 2 },
    ]);
  });

  it('leaves out gauges, histograms and what is not of Postern', () => {
    const after = exposed([
      'postern_sessions{listener="lan"} 1',
      'postern_login_seconds_count 1',
      'process_cpu_seconds_total 1',
    ]);
    expect(movedCounters('', after)).toEqual([]);
  });

  it('reads a counter without labels, and labels with quotes and braces', () => {
    expect(movedCounters('', 'postern_a_total 1\npostern_b_total{x="a\\"} b",y="c"} 1e3\n')).toEqual([
      { name: 'postern_a_total', labels: [], by: 1 },
      { name: 'postern_b_total', labels: ['x=a\\"} b', 'y=c'], by: 1000 },
    ]);
  });
});
