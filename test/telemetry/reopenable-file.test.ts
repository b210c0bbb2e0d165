import { constants } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ReopenableFile } from '../../src/telemetry/reopenable-file.ts';
import { runProcess } from '../support/process.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { createObserver } from './delivery-observer.ts';

const timeoutMs = 15_000;

describe('ReopenableFile', () => {
  const stack = new AsyncDisposableStack();
  let cleanUp: AsyncDisposableStack = stack;
  afterEach(() => cleanUp.disposeAsync());

  async function createFile() {
    cleanUp = new AsyncDisposableStack();
    const directory = cleanUp.use(await createTemporaryDirectory('file'));
    const path = join(directory.path, 'audit.jsonl');
    const observer = createObserver();
    const start = () => cleanUp.use(new ReopenableFile({ path, observer }));
    return { directory: directory.path, path, observer, start };
  }

  it('appends to what is there', async () => {
    const { path, start } = await createFile();
    await writeFile(path, 'before\n');
    const file = start();
    file.write('one\n');
    file.write('two\n');
    await file.flush();
    expect(await readFile(path, 'utf8')).toBe('before\none\ntwo\n');
  });

  it('makes a file that others can neither read nor write', async () => {
    const { path, start } = await createFile();
    await start().flush();
    expect((await stat(path)).mode & 0o137).toBe(0);
  });

  it('goes on in a new file, made at once, when the old one was moved away', async () => {
    const { path, observer, start } = await createFile();
    const file = start();
    file.write('one\n');
    await file.flush();
    await rename(path, `${path}.1`);
    file.write('two\n');
    await file.reopen();
    expect(await readFile(path, 'utf8')).toBe('');
    file.write('three\n');
    await file.flush();
    expect(await readFile(`${path}.1`, 'utf8')).toBe('one\ntwo\n');
    expect(await readFile(path, 'utf8')).toBe('three\n');
    expect(observer.told).toEqual([]);
  });

  it('says why it cannot write, keeps the lines, and writes them once it can', async () => {
    const { directory, path, observer, start } = await createFile();
    await symlink(join(directory, 'missing', 'audit.jsonl'), path);
    const file = start();
    file.write('one\n');
    await file.flush();
    expect(observer.told).toEqual(['trouble ENOENT']);
    await mkdir(join(directory, 'missing'));
    await observer.waitFor('recovered 0');
    await file.flush();
    expect(await readFile(path, 'utf8')).toBe('one\n');
  });

  it('says that a disk is full', async () => {
    const { path, observer, start } = await createFile();
    await symlink('/dev/full', path);
    const file = start();
    file.write('one\n');
    await file.flush();
    expect(observer.told).toEqual(['trouble ENOSPC']);
    await rm(path);
    await file.reopen();
    expect(await readFile(path, 'utf8')).toBe('one\n');
  });

  it('is not held up by a pipe that nobody reads, and writes once somebody does', async () => {
    const { path, observer, start } = await createFile();
    await runProcess(['mkfifo', path], { timeoutMs });
    const file = start();
    file.write('one\n');
    await observer.waitFor('trouble ENXIO');
    const reader = cleanUp.adopt(await open(path, constants.O_RDONLY | constants.O_NONBLOCK), (handle) =>
      handle.close(),
    );
    await observer.waitFor('recovered 0');
    await file.flush();
    const { bytesRead, buffer } = await reader.read(Buffer.alloc(64));
    expect(buffer.toString('utf8', 0, bytesRead)).toBe('one\n');
  });

  it('cuts no line in two on a disk that fills up and is freed', async ({ skip }) => {
    const { directory, observer } = await createFile();
    const disk = join(directory, 'disk');
    await mkdir(disk);
    const mounted = await runProcess(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'none', disk], { timeoutMs }).catch(
      () => undefined,
    );
    if (mounted?.code !== 0) skip();
    cleanUp.defer(async () => void (await runProcess(['umount', disk], { timeoutMs })));
    await writeFile(join(disk, 'filler'), Buffer.alloc(40 * 1024));
    const path = join(disk, 'audit.jsonl');
    const file = cleanUp.use(new ReopenableFile({ path, observer }));
    const lines = Array.from({ length: 1_000 }, (_, index) => `${String(index).padStart(40, '0')}\n`);
    for (const line of lines) file.write(line);
    await observer.waitFor('trouble ENOSPC');
    await rm(join(disk, 'filler'));
    await observer.waitFor('recovered 0');
    await file.flush();
    expect(await readFile(path, 'utf8')).toBe(lines.join(''));
  });
});
