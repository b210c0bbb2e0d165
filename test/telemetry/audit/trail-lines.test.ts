import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linesBackwards, linesForwards } from '../../../src/telemetry/audit/trail-lines.ts';
import { createTemporaryDirectory } from '../../support/temporary-directory.ts';

/** As a whole file would be split: without empty lines, and without those of more than 64 kB. */
function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '' && Buffer.byteLength(line) <= 64 * 1024);
}

/** Short and long ones, so given that a counterexample can be read. */
const line = fc.tuple(fc.constantFrom('x', 'ä', '{"v":1}'), fc.constantFrom(0, 1, 9, 30_000, 65_535, 65_536, 150_000));
const text = fc.tuple(fc.array(line, { maxLength: 12 }), fc.boolean());

function write([lines, isEnded]: readonly [readonly (readonly [string, number])[], boolean]): string {
  return lines.map(([unit, count]) => unit.repeat(count).slice(0, count)).join('\n') + (isEnded ? '\n' : '');
}

/** Equal lines, told in a word. */
function digest(lines: readonly string[]): readonly string[] {
  return lines.map((each) => `${each.slice(0, 3)} ${each.length}`);
}

async function collect(lines: AsyncIterable<string>): Promise<readonly string[]> {
  const collected: string[] = [];
  for await (const each of lines) collected.push(each);
  return collected;
}

async function backwards(path: string): Promise<readonly string[]> {
  await using stack = new AsyncDisposableStack();
  const file = stack.adopt(await open(path), (handle) => handle.close());
  return await collect(linesBackwards(file));
}

describe('linesBackwards', () => {
  it('reads every line, the last first, wherever chunks end', async () => {
    await using directory = await createTemporaryDirectory('lines');
    const path = join(directory.path, 'trail');
    await fc.assert(
      fc.asyncProperty(text, async (lines) => {
        const content = write(lines);
        await writeFile(path, content);
        expect(digest(await backwards(path))).toEqual(digest(linesOf(content).toReversed()));
      }),
      { numRuns: 60 },
    );
  });

  it('reads nothing of an empty file', async () => {
    await using directory = await createTemporaryDirectory('lines');
    const path = join(directory.path, 'trail');
    await writeFile(path, '');
    expect(await backwards(path)).toEqual([]);
  });
});

describe('linesForwards', () => {
  it('reads every line, the first first, however the stream is cut', async () => {
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 100_000 }), async (lines, size) => {
        const octets = Buffer.from(write(lines));
        const step = Math.max(size, Math.ceil(octets.length / 50));
        async function* chunks(): AsyncGenerator<Uint8Array> {
          for (let at = 0; at < octets.length; at += step) yield octets.subarray(at, at + step);
        }
        expect(digest(await collect(linesForwards(chunks())))).toEqual(digest(linesOf(write(lines))));
      }),
      { numRuns: 60 },
    );
  });
});
