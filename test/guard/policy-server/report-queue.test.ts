import { describe, expect, it } from 'vitest';
import { ReportQueue } from '../../../src/guard/policy-server/report-queue.ts';

/** A queue whose reports are taken when the test says so. */
function createQueue({ maySend = () => true }: { readonly maySend?: () => boolean } = {}) {
  const sending: { readonly report: string; readonly settle: (isTaken: boolean) => void }[] = [];
  const tested = { losses: 0 };
  const queue = new ReportQueue({
    maySend,
    send: (report) => new Promise((settle) => sending.push({ report, settle })),
    onLoss: () => {
      tested.losses += 1;
    },
  });
  const settleAll = async (isTaken: boolean): Promise<string[]> => {
    const settled: string[] = [];
    for (;;) {
      const batch = sending.splice(0);
      if (batch.length === 0) return settled;
      for (const { report, settle } of batch) {
        settled.push(report);
        settle(isTaken);
      }
      // Behind the continuations that send the next ones.
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { queue, sending, settleAll, tested };
}

describe('ReportQueue', () => {
  it('sends a few at a time, in order', async () => {
    const { queue, sending, settleAll } = createQueue();
    const reports = Array.from({ length: 30 }, (_, index) => `report ${index}`);
    for (const report of reports) queue.add(report);
    expect(sending).toHaveLength(8);
    expect(await settleAll(true)).toEqual(reports);
    expect(queue.counts).toEqual({ sent: 30, lost: 0 });
  });

  it('gives the oldest up where more than a thousand wait, counts them and says it once', async () => {
    const { queue, settleAll, tested } = createQueue();
    for (let index = 0; index < 1_108; index += 1) queue.add(`report ${index}`);
    expect(queue.counts).toEqual({ sent: 0, lost: 100 });
    expect(tested.losses).toBe(1);
    const sent = await settleAll(true);
    expect(sent).toHaveLength(1_008);
    expect(sent.slice(0, 9)).toEqual([...Array.from({ length: 8 }, (_, index) => `report ${index}`), 'report 108']);
    expect(queue.counts).toEqual({ sent: 1_008, lost: 100 });
  });

  it('counts what was not taken, and says it anew after all is well', async () => {
    const { queue, settleAll, tested } = createQueue();
    queue.add('one');
    queue.add('two');
    await settleAll(false);
    expect(queue.counts).toEqual({ sent: 0, lost: 2 });
    expect(tested.losses).toBe(1);
    queue.add('three');
    await settleAll(false);
    expect(tested.losses).toBe(2);
  });

  it('keeps what waits until it is worth a try', async () => {
    let isUp = false;
    const { queue, sending, settleAll } = createQueue({ maySend: () => isUp });
    queue.add('one');
    expect(sending).toEqual([]);
    isUp = true;
    queue.add('two');
    expect(await settleAll(true)).toEqual(['one', 'two']);
    await queue[Symbol.asyncDispose]();
  });

  it('takes nothing once it is closed, and waits for what it sends', async () => {
    const { queue, sending, settleAll } = createQueue();
    queue.add('one');
    const closed = queue[Symbol.asyncDispose]();
    queue.add('two');
    expect(sending.map(({ report }) => report)).toEqual(['one']);
    await settleAll(true);
    await closed;
    expect(queue.counts).toEqual({ sent: 1, lost: 0 });
  });
});
