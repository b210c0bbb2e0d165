import type { FileHandle } from 'node:fs/promises';

const chunkOctets = 64 * 1024;
/** No record is so long; what is longer is none, and is passed over. */
const maxLineOctets = 64 * 1024;
const lineFeed = 0x0a;

/** Lines of a file from its end to its start, whatever its size, in the memory of a few. */
export async function* linesBackwards(file: FileHandle): AsyncGenerator<string> {
  let position = (await file.stat()).size;
  // The end of a line whose beginning stands in the chunk before.
  let rest: Buffer = Buffer.alloc(0);
  let isTooLong = false;
  while (position > 0) {
    const start = Math.max(0, position - chunkOctets);
    const text = Buffer.concat([await readAt(file, { start, end: position }), rest]);
    position = start;
    let end = text.length;
    for (let at = text.lastIndexOf(lineFeed); at !== -1; at = at === 0 ? -1 : text.lastIndexOf(lineFeed, at - 1)) {
      if (!isTooLong && isLine(end - at - 1)) yield text.toString('utf8', at + 1, end);
      isTooLong = false;
      end = at;
    }
    isTooLong ||= end > maxLineOctets;
    rest = isTooLong ? Buffer.alloc(0) : text.subarray(0, end);
  }
  if (!isTooLong && rest.length > 0) yield rest.toString('utf8');
}

async function readAt(file: FileHandle, { start, end }: { start: number; end: number }): Promise<Buffer> {
  const buffer = Buffer.alloc(end - start);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, start + length);
    // Cut off meanwhile.
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

function isLine(octets: number): boolean {
  return octets > 0 && octets <= maxLineOctets;
}

/** Lines of a stream in its order, in the memory of a few. */
export async function* linesForwards(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  let isTooLong = false;
  for await (const chunk of stream) {
    let text = Buffer.concat([rest, chunk]);
    for (let at = text.indexOf(lineFeed); at !== -1; at = text.indexOf(lineFeed)) {
      if (!isTooLong && isLine(at)) yield text.toString('utf8', 0, at);
      isTooLong = false;
      text = text.subarray(at + 1);
    }
    isTooLong ||= text.length > maxLineOctets;
    rest = isTooLong ? Buffer.alloc(0) : text;
  }
  if (!isTooLong && rest.length > 0) yield rest.toString('utf8');
}
