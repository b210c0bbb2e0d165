import { write, writeSync } from 'node:fs';
import { type DeliveryObserver, GatheredWriter } from './gathered-writer.ts';

/** When a pipe that was full is tried again. */
const retryMs = 50;
/** How long a process that ends all of a sudden waits for who reads a full pipe. */
const lastWaitMs = 1_000;

/** Opens standard output for lines, without anybody waiting for who reads them; what is left at the end is written then. */
export function openStandardOutput(observer: DeliveryObserver): GatheredWriter {
  return openStream(1, observer);
}

let standardError: GatheredWriter | undefined;

/** Tells people a line on standard error. Where nobody can be told, as on a full disk, mail goes on all the same. */
export function say(line: string): void {
  standardError ??= openStream(2, { onTrouble: () => {}, onLoss: () => {}, onRecovered: () => {} });
  standardError.write(`${line}\n`);
}

function openStream(descriptor: number, observer: DeliveryObserver): GatheredWriter {
  const writer = new GatheredWriter({ deliver: (octets) => deliver(descriptor, octets), observer });
  process.once('exit', () => writeAtOnce(descriptor, writer.takeRest()));
  return writer;
}

function deliver(descriptor: number, octets: Uint8Array): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  write(descriptor, octets, (error, taken) => {
    if (error === null) resolve(taken);
    else if (isFullPipe(error)) setTimeout(resolve, retryMs, 0);
    else reject(error);
  });
  return promise;
}

function writeAtOnce(descriptor: number, octets: Uint8Array): void {
  const deadlineMs = performance.now() + lastWaitMs;
  for (let rest = octets; rest.length > 0 && performance.now() < deadlineMs; ) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      if (!isFullPipe(error)) return; // a full disk, or nobody reads: nothing can be said of it any more
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs);
    }
  }
}

/** A slow reader is no trouble. */
function isFullPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN';
}
