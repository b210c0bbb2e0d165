import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type DeliveryObserver, GatheredWriter } from './gathered-writer.ts';

const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants;
/** A pipe that nobody reads is an error at once, instead of a thread that waits for its reader. */
const flags = O_APPEND | O_CREAT | O_WRONLY | O_NONBLOCK;
/** Its owner writes, its group (whoever ships or reads logs) reads. */
const mode = 0o640;

/** A file that lines are appended to, and that may be moved away by whoever rotates it. */
export interface ReopenableFileOptions {
  /** It is made where it is missing, its directory is not. */
  readonly path: string;
  readonly observer: DeliveryObserver;
}

/**
 * Appends lines to a file without anybody waiting for the disk. A disk that is full or a file that cannot be opened is
 * tried again each second, and no line is cut in two by it.
 */
export class ReopenableFile implements AsyncDisposable {
  readonly #path: string;
  readonly #writer: GatheredWriter;
  #file: FileHandle | undefined;
  #isStale = false;

  constructor({ path, observer }: ReopenableFileOptions) {
    this.#path = path;
    this.#writer = new GatheredWriter({ deliver: (octets) => this.#append(octets), observer });
    // Opened at once: what is wrong with it shows at the start, not with the first line.
    void this.#writer.probe();
  }

  /** How many lines were dropped since the start, for want of room while the file could not be written. */
  get dropped(): number {
    return this.#writer.dropped;
  }

  /** Takes a line with its end. Never throws, never waits. */
  write(line: string): void {
    this.#writer.write(line);
  }

  /** Writes what is gathered to the file that has been moved away, and what comes next to a new one of its name. */
  async reopen(): Promise<void> {
    await this.#writer.flush();
    this.#isStale = true;
    // Made at once: a rotation may look for the file before the next line comes.
    await this.#writer.probe();
  }

  /** Resolves when everything taken so far is written, at the latest after a second. */
  flush(): Promise<void> {
    return this.#writer.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    await this.#file?.close().catch(() => {});
    this.#file = undefined;
  }

  async #append(octets: Uint8Array): Promise<number> {
    const file = await this.#opened();
    const { bytesWritten } = await file.write(octets);
    return bytesWritten;
  }

  async #opened(): Promise<FileHandle> {
    if (this.#isStale) {
      const moved = this.#file;
      this.#file = undefined;
      this.#isStale = false;
      await moved?.close().catch(() => {});
    }
    this.#file ??= await open(this.#path, flags, mode);
    return this.#file;
  }
}
