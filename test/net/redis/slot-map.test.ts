import { expect, test } from 'vitest';
import { readSlotRanges } from '../../../src/net/redis/slot-map.ts';

const answered = { host: '192.0.2.1', port: 7_000 };

test('reads masters with their replicas', () => {
  const answer = [[0, 99, ['10.0.0.1', 7001, 'id', []], ['10.0.0.2', 7002, 'id', []]]];
  expect(readSlotRanges(answer, answered)).toEqual([
    { start: 0, end: 99, master: { host: '10.0.0.1', port: 7001 }, replicas: [{ host: '10.0.0.2', port: 7002 }] },
  ]);
});

test.each(['', null])('takes the host that answered where a node has %j', (host) => {
  expect(readSlotRanges([[0, 1, [host, 7001]]], answered)).toMatchObject([
    { master: { host: '192.0.2.1', port: 7001 } },
  ]);
});

test('leaves out what cannot be reached by name, and what makes no sense', () => {
  const answer = [[0, 1, ['?', 7001]], [2, 3, ['a', 7001], ['?', 1], 'b'], 'x', [4], [5, 6, ['a', 'b']]];
  expect(readSlotRanges(answer, answered)).toEqual([
    { start: 2, end: 3, master: { host: 'a', port: 7001 }, replicas: [] },
  ]);
});

test('refuses an answer that is no list', () => {
  expect(() => readSlotRanges('OK', answered)).toThrow('no list');
});
