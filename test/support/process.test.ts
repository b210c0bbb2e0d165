import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { findFreePorts, runProcess, startProcess } from './process.ts';

const node = process.execPath;
/** Prints the port that a child of its own listens on, and both run until they are ended. */
const withListeningChild = `
  const listen = "const server = require('node:net').createServer().listen(0, '127.0.0.1', () => console.log('port ' + server.address().port))";
  require('node:child_process').spawn(process.execPath, ['-e', listen], { stdio: 'inherit' });
  setInterval(() => {}, 1000);
`;

describe(startProcess, () => {
  it('resolves with a line written before or after it is asked for', async () => {
    await using server = await startProcess([node, '-e', 'console.log("one"); setInterval(() => {}, 1000)']);

    expect(await server.waitForLine(/^o/)).toBe('one');
    expect(await server.waitForLine(/^o/)).toBe('one');
  });

  it('rejects with the output when the process ends before the line', async () => {
    await using server = await startProcess([node, '-e', 'console.error("no config"); process.exit(3)']);

    await expect(server.waitForLine(/ready/)).rejects.toThrow(/ended with exit code 3:\nno config/);
    expect(await server.ended).toEqual({ code: 3, signal: null });
  });

  it('rejects when the line takes too long', async () => {
    await using server = await startProcess([node, '-e', 'setInterval(() => {}, 1000)']);

    await expect(server.waitForLine(/ready/, { timeoutMs: 50 })).rejects.toThrow('50 ms are over');
  });

  it('waits until the port is open', async () => {
    const [port = 0] = await findFreePorts(1);
    const script = `setTimeout(() => require('node:net').createServer().listen(${port}, '127.0.0.1'), 100)`;
    await using server = await startProcess([node, '-e', script]);

    await server.waitForPort(port);

    await expect(listen(port)).rejects.toThrow('EADDRINUSE');
  });

  it('ends the children of the process with it', async () => {
    const server = await startProcess([node, '-e', withListeningChild]);
    const port = Number((await server.waitForLine(/^port /)).split(' ')[1]);
    await expect(listen(port)).rejects.toThrow('EADDRINUSE');

    await server[Symbol.asyncDispose]();

    await listen(port);
  });

  it('rejects when there is no such program', async () => {
    await expect(startProcess(['/nowhere/program'])).rejects.toThrow('ENOENT');
  });
});

describe(runProcess, () => {
  it('hands over the input and resolves with what was written', async () => {
    const script = 'process.stdin.pipe(process.stdout); console.error("noted"); process.exitCode = 4';

    expect(await runProcess([node, '-e', script], { timeoutMs: 10_000, input: Buffer.from([0, 255]) })).toEqual({
      code: 4,
      signal: null,
      stdout: Buffer.from([0, 255]),
      stderr: 'noted\n',
    });
  });

  it('resolves when the program ends without reading its input', async () => {
    const finished = await runProcess(['/bin/true'], { timeoutMs: 10_000, input: Buffer.alloc(1_000_000) });

    expect(finished.code).toBe(0);
  });

  it('rejects when the program takes too long', async () => {
    const run = runProcess([node, '-e', withListeningChild], { timeoutMs: 300 });

    await expect(run).rejects.toThrow('300 ms are over');
  });
});

function listen(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => server.close(() => resolve()));
  });
}
