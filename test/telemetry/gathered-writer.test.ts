import { describe, expect, it } from 'vitest';
import { GatheredWriter } from '../../src/telemetry/gathered-writer.ts';
import { createObserver } from './delivery-observer.ts';

/** A destination that does what the test says next, and keeps what it took. */
function createDestination() {
  const answers: (number | Error)[] = [];
  const calls: string[] = [];
  return {
    calls,
    /** How many octets to take of the next batches, or what to fail with; beyond them all is taken. */
    answer: (...next: (number | Error)[]) => answers.push(...next),
    deliver: async (octets: Uint8Array): Promise<number> => {
      calls.push(Buffer.from(octets).toString());
      const answer = answers.shift() ?? octets.length;
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
}

function createWriter() {
  const destination = createDestination();
  const observer = createObserver();
  return { destination, observer, writer: new GatheredWriter({ deliver: destination.deliver, observer }) };
}

describe('GatheredWriter', () => {
  it('hands lines that come together on in one batch', async () => {
    const { destination, writer } = createWriter();
    writer.write('one\n');
    writer.write('two\n');
    await writer.flush();
    expect(destination.calls).toEqual(['one\ntwo\n']);
  });

  it('hands on what a destination did not take, from where it stopped', async () => {
    const { destination, observer, writer } = createWriter();
    destination.answer(2, 1);
    writer.write('one\n');
    await writer.flush();
    expect(destination.calls).toEqual(['one\n', 'e\n', '\n']);
    expect(observer.told).toEqual([]);
  });

  it('keeps lines that a destination fails for, and says so once', async () => {
    const { destination, observer, writer } = createWriter();
    destination.answer(new Error('full'), new Error('full'), new Error('full'));
    writer.write('one\n');
    await writer.flush();
    writer.write('two\n');
    await writer.flush();
    expect(observer.told).toEqual(['trouble Error: full', 'recovered 0']);
    expect(destination.calls.at(-2)).toBe('one\n');
    expect(destination.calls.at(-1)).toBe('two\n');
  });

  it('tries again by itself', async () => {
    const { destination, observer, writer } = createWriter();
    destination.answer(new Error('gone'), new Error('gone'));
    writer.write('one\n');
    await writer.flush();
    await observer.waitFor('recovered 0');
    expect(destination.calls).toEqual(['one\n', 'one\n', 'one\n']);
    await writer.close();
  });

  it('drops whole lines beyond its bound, counts them, and goes on when there is room', async () => {
    const { destination, observer, writer } = createWriter();
    destination.answer(new Error('full'), new Error('full'));
    const line = `${'x'.repeat(1024 * 1024 - 1)}\n`;
    for (let index = 0; index < 11; index += 1) writer.write(line);
    await writer.flush();
    expect(writer.dropped).toBe(3);
    expect(observer.told.toSorted()).toEqual(['loss', 'trouble Error: full']);
    await writer.flush();
    writer.write('after\n');
    await writer.close();
    expect(observer.told.at(-1)).toBe('recovered 3');
    expect(destination.calls.at(-1)).toBe('after\n');
    expect(writer.dropped).toBe(3);
  });

  it('says at its end that lines are lost which nobody took', async () => {
    const { destination, observer, writer } = createWriter();
    destination.answer(new Error('full'), new Error('full'), new Error('full'));
    writer.write('one\n');
    await writer.close();
    expect(observer.told).toEqual(['trouble Error: full', 'loss']);
  });

  it('waits a second at most for a destination that never answers', async () => {
    const observer = createObserver();
    const writer = new GatheredWriter({ deliver: () => new Promise(() => {}), observer });
    writer.write('one\n');
    const startedAtMs = performance.now();
    await writer.close();
    expect(performance.now() - startedAtMs).toBeLessThan(5_000);
    expect(observer.told).toEqual(['loss']);
  });

  it('gives up what is not under way to a process that ends all of a sudden, and takes no more', async () => {
    const { destination, writer } = createWriter();
    destination.answer(new Error('full'), new Error('full'));
    writer.write('one\n');
    await writer.flush();
    writer.write('two\n');
    expect(Buffer.from(writer.takeRest()).toString()).toBe('one\ntwo\n');
    const { length } = destination.calls;
    writer.write('three\n');
    await writer.flush();
    expect(destination.calls).toHaveLength(length);
  });
});
