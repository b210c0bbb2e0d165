import { describe, expect, it } from 'vitest';
import { Reloader } from '../../src/commands/reload.ts';

/** A reloader whose files cannot be used; each reading takes until the test says so. */
function makeReloader() {
  const asked: string[] = [];
  let isBusy = false;
  let overlaps = 0;
  const reloader = new Reloader({
    reader: {
      file: 'postern.yaml',
      read: () => {
        if (isBusy) overlaps += 1;
        isBusy = true;
        queueMicrotask(() => {
          isBusy = false;
        });
        return { ok: false, problems: [{ path: '', message: 'wrong' }] };
      },
    },
    runtime: undefined as never,
    isOver: () => false,
    telemetry: { report: (event) => 'by' in event && asked.push(String(event.by)) },
  });
  return { reloader, asked, overlaps: () => overlaps };
}

describe('Reloader', () => {
  it('does what is asked meanwhile once more for all, and one at a time', async () => {
    const { reloader, asked } = makeReloader();
    await Promise.all(['a', 'b', 'c', 'd'].map((by) => reloader.reload(by)));
    expect(asked).toEqual(['a', 'b']);
  });

  it.each([0, 1, 2, 3, 4, 5, 6])('starts no second one %i steps after the first has ended', async (steps) => {
    const { reloader, asked, overlaps } = makeReloader();
    const first = reloader.reload('a');
    const second = reloader.reload('b');
    let third: Promise<unknown> = Promise.resolve();
    for (let step = 0; step < steps; step += 1) await Promise.resolve();
    third = reloader.reload('c');
    await Promise.all([first, second, third]);
    expect(overlaps()).toBe(0);
    expect(asked.length).toBeLessThanOrEqual(3);
  });
});
