import { describe, expect, it } from 'vitest';
import { parseCallgrindTotal, parseCallTable, parsePerfCount } from './tracers.ts';

describe('parseCallTable', () => {
  it('reads calls with and without errors, and not their sum', () => {
    const text = `% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.000300           3       100           write
 40.00    0.000200           2        90        12 read
------ ----------- ----------- --------- --------- ----------------
100.00    0.000500           2       190        12 total
`;
    expect([...parseCallTable(text)]).toEqual([
      ['write', 100],
      ['read', 90],
    ]);
  });

  it('finds nothing in another text', () => {
    expect(parseCallTable('strace: attach: Operation not permitted').size).toBe(0);
  });
});

describe('parsePerfCount', () => {
  it('reads a count', () => {
    expect(parsePerfCount('# started on Mon\n\n123456,,instructions:u,1000,100.00,,\n')).toBe(123_456);
  });

  it('finds none where the machine does not count', () => {
    expect(parsePerfCount('\n<not supported>,,instructions:u,0,100.00,,\n')).toBeUndefined();
  });
});

describe('parseCallgrindTotal', () => {
  it('reads the count of the main thread', () => {
    const text = 'PID 7: node\n\n  Totals:         Ir \n   Th 1  685,381,833 \n   Th 3   11,861,828 \n';
    expect(parseCallgrindTotal(text)).toBe(685_381_833);
  });

  it('finds none where nothing answered', () => {
    expect(parseCallgrindTotal('Error: Callgrind task with PID 7 not found.\n')).toBeUndefined();
  });
});
