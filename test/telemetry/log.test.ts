import { spawn, spawnSync } from 'node:child_process';
import { execPath } from 'node:process';
import { describe, expect, it, onTestFinished } from 'vitest';

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
});
