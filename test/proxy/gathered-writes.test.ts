import { Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatheredWrites } from '../../src/proxy/gathered-writes.ts';

const record = 16_384;
const room = 8 * record;

/** Takes each write when the test lets it. */
function startGathering({ isSlow = false }: { readonly isSlow?: boolean } = {}) {
  const writes: Buffer[] = [];
  const waiting: (() => void)[] = [];
  const take = (octets: Buffer, done: () => void): void => {
    writes.push(Buffer.from(octets));
    if (isSlow) waiting.push(done);
    else process.nextTick(done);
  };
  const to = new Writable({
    highWaterMark: 4 * record,
    write: (chunk: Buffer, _encoding, done) => take(chunk, done),
  });
  return { to, gathered: new GatheredWrites(to), writes, takeNext: () => waiting.shift()?.() };
}

describe('gathered writes', () => {
  it('make one of all full records of a turn', async () => {
    const { gathered, writes } = startGathering();
    for (const octet of [1, 2, 3]) gathered.add(Buffer.alloc(record, octet));
    expect(writes).toEqual([]);
    await nextTurn();
    expect(writes.map(({ length }) => length)).toEqual([3 * record]);
  });

  it('let a short record go at once, with the full ones before it', () => {
    const { gathered, writes } = startGathering();
    gathered.add(Buffer.from('+OK\r\n'));
    expect(writes).toEqual([Buffer.from('+OK\r\n')]);
    const { gathered: others, writes: otherWrites } = startGathering();
    others.add(Buffer.alloc(record, 'a'));
    others.add(Buffer.from('.\r\n'));
    expect(otherWrites.map(({ length }) => length)).toEqual([record + 3]);
  });

  it('go out when the room is full, and ask to wait where the reader is slow', () => {
    const { gathered, writes } = startGathering({ isSlow: true });
    const answers = Array.from({ length: 8 }, () => gathered.add(Buffer.alloc(record)));
    expect(answers).toEqual([true, true, true, true, true, true, true, false]);
    expect(writes.map(({ length }) => length)).toEqual([room]);
  });

  it('keep what came in excess apart from what is still being written', async () => {
    const { to, gathered, writes, takeNext } = startGathering({ isSlow: true });
    for (let number = 0; number < 10; number += 1) gathered.add(Buffer.alloc(record, number));
    await nextTurn();
    const drained = new Promise((resolve) => to.once('drain', resolve));
    takeNext();
    takeNext();
    await drained;
    const sent = Buffer.concat(writes);
    expect(Array.from({ length: 10 }, (_, number) => sent[number * record])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(sent).toHaveLength(10 * record);
  });

  it('use the memory of a transfer again for the next, with forty of them at once', async () => {
    const transferAtOnce = async (): Promise<ReadonlySet<ArrayBufferLike>> => {
      const memory = new Set<ArrayBufferLike>();
      const takeLater = (chunk: Buffer, _encoding: string, done: () => void): void => {
        memory.add(chunk.buffer);
        setImmediate(done);
      };
      const transfers = Array.from({ length: 40 }, () => new GatheredWrites(new Writable({ write: takeLater })));
      for (const transfer of transfers) transfer.add(Buffer.alloc(record));
      await nextTurn();
      await nextTurn();
      return memory;
    };
    const first = await transferAtOnce();
    expect(first.size).toBe(40);
    expect([...(await transferAtOnce())].filter((memory) => !first.has(memory))).toEqual([]);
  });

  it('write nothing to a reader that is gone', async () => {
    const { to, gathered, writes } = startGathering();
    gathered.add(Buffer.alloc(record));
    to.destroy();
    await nextTurn();
    expect(writes).toEqual([]);
  });

  it('pass on every octet in order, from memory that is used again at once', async () => {
    const lengths = fc.array(
      fc.oneof(fc.constant(record), fc.integer({ min: 1, max: 2 * record }), fc.constant(room + 1)),
      {
        maxLength: 30,
      },
    );
    const turns = fc.infiniteStream(fc.boolean());
    await fc.assert(
      fc.asyncProperty(lengths, turns, async (sizes, isTurnOver) => {
        const { gathered, writes } = startGathering();
        const sent: Buffer[] = [];
        for (const [index, size] of sizes.entries()) {
          const shared = Buffer.alloc(size, index + 1);
          sent.push(Buffer.from(shared));
          gathered.add(shared);
          shared.fill(0);
          if (isTurnOver.next().value) await nextTurn();
        }
        gathered.flush();
        while (Buffer.concat(writes).length < Buffer.concat(sent).length) await nextTurn();
        expect(Buffer.concat(writes).equals(Buffer.concat(sent))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});
