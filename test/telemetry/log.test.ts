import { spawn, spawnSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runProcess, startProcess } from '../support/process.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';

const logModule = new URL('../../src/telemetry/log.ts', import.meta.url);

/** Runs a program that logs to its standard output, a pipe here, and ends at once after `flush`. */
function logged(
  format: 'json' | 'pretty',
  count: number,
  { ending = 'await flush(); process.exit(0);' }: { readonly ending?: string } = {},
): readonly string[] {
  const program = `
    import { createLog } from ${JSON.stringify(logModule.href)};
    const { logger, flush } = createLog({ level: 'info', format: '${format}', isTerminal: false, useColour: false });
    for (let index = 0; index < ${count}; index += 1) logger.info({ index }, 'line');
    ${ending}
  `;
  const { status, stdout, stderr } = spawnSync(execPath, ['--input-type=module', '--eval', program], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.trimEnd().split('\n');
}

describe('createLog on standard output', () => {
  it('has written every line, in order, once it is flushed', () => {
    const indexes = logged('json', 2_000).map((line) => JSON.parse(line).index);
    expect(indexes).toEqual(Array.from({ length: 2_000 }, (_, index) => index));
  });

  it.each([
    ['ends all of a sudden', 'process.exit(0);'],
    ['has nothing left to do', ''],
  ])('has written every line where the process %s', (_, ending) => {
    expect(logged('json', 3, { ending })).toHaveLength(3);
  });

  it('writes by itself what came while it was writing', async () => {
    const program = `
      import { createLog } from ${JSON.stringify(logModule.href)};
      const { logger } = createLog({ level: 'info', format: 'json', isTerminal: false, useColour: false });
      // More than a pipe takes, and at once as much again.
      for (const message of ['first', 'last']) logger.info({ long: 'x'.repeat(300_000) }, message);
      setInterval(() => {}, 1_000);
    `;
    const child = spawn(execPath, ['--input-type=module', '--eval', program]);
    onTestFinished(() => void child.kill());
    let written = '';
    for await (const chunk of child.stdout) {
      written += chunk;
      if (written.endsWith('"last"}\n')) break;
    }
    expect(written.trimEnd().split('\n')).toHaveLength(2);
  });

  it('writes one line per message where it is pretty', () => {
    const lines = logged('pretty', 3);
    expect(lines).toHaveLength(3);
    expect(lines[2]).toMatch(/^\[\d\d:\d\d:\d\d\] INFO: line \{"index":2\}$/);
  });

  it('flushes where nothing was logged', () => {
    expect(logged('json', 0)).toEqual(['']);
  });

  it('goes on where the disk is full, says so once, and ends', async () => {
    const program = `
      import { createLog } from ${JSON.stringify(logModule.href)};
      const { logger, flush } = createLog({ level: 'info', format: 'json', isTerminal: false, useColour: false });
      for (const message of ['one', 'two']) {
        logger.info(message);
        await flush();
      }
      console.error('went on');
    `;
    const { code, stderr } = await runProcess(
      ['/bin/sh', '-c', 'exec "$0" --input-type=module --eval "$1" > /dev/full', execPath, program],
      { timeoutMs: 15_000 },
    );
    expect(stderr.trimEnd().split('\n').toSorted()).toEqual([
      expect.stringContaining('The log cannot be written: the disk is full.'),
      'went on',
    ]);
    expect(code).toBe(0);
  });

  it('keeps what nobody reads for who reads again, and says that it is back', async () => {
    await using directory = await createTemporaryDirectory('log');
    const path = join(directory.path, 'log.pipe');
    await runProcess(['mkfifo', path], { timeoutMs: 15_000 });
    const program = `
      import { createLog } from ${JSON.stringify(logModule.href)};
      const { logger } = createLog({ level: 'info', format: 'json', isTerminal: false, useColour: false });
      let index = 0;
      setInterval(() => logger.info({ index: index++ }, 'line'), 20);
    `;
    await using writer = await startProcess([
      '/bin/sh',
      '-c',
      'exec "$0" --input-type=module --eval "$1" > "$2"',
      execPath,
      program,
      path,
    ]);
    expect(await linesUntil(path, ({ index }) => index === 3)).toHaveLength(4);
    await writer.waitForLine(/^The log cannot be written: the receiver closed the connection\./);
    const lines = await linesUntil(path, ({ event }) => event === 'logRecovered');
    expect(lines.at(-1)).toMatchObject({ level: 'warn', dropped: 0 });
    const indexes = lines.slice(0, -1).map(({ index }) => Number(index));
    expect(indexes.length).toBeGreaterThan(0);
    expect(indexes).toEqual(indexes.map((_, position) => position + (indexes[0] ?? 0)));
  });
});

/** Reads a pipe from its writer's next line to one that fits, and closes it. */
async function linesUntil(
  path: string,
  isLast: (line: Readonly<Record<string, unknown>>) => boolean,
): Promise<Readonly<Record<string, unknown>>[]> {
  const input = createReadStream(path);
  const lines: Readonly<Record<string, unknown>>[] = [];
  try {
    for await (const text of createInterface({ input })) {
      const line = JSON.parse(text);
      lines.push(line);
      if (isLast(line)) return lines;
    }
  } finally {
    input.destroy();
  }
  throw new Error(`Cannot find the last line: ${JSON.stringify(lines)}`);
}
