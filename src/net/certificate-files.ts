import type { Stats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { clearInterval, setInterval } from 'node:timers';
import { CertificateError, type CertificatePair, type CertificatePaths } from './certificate-pair.ts';

/** How soon a renewed certificate is seen; a look costs two file attributes. */
const defaultIntervalMs = 1_000;
/** File systems keep times as coarse as two seconds: what changed so lately may have changed again since. */
const coarseMs = 3_000;

/** Which files to watch, and who is told. */
export interface CertificateFilesOptions {
  /** What is in use now, by the files' position. */
  readonly pairs: readonly CertificatePair[];
  /** The files of each of them. */
  readonly paths: readonly CertificatePaths[];
  /** Takes a pair that its files changed to. Throws `CertificateError` where it cannot be used. */
  readonly onPair: (index: number, pair: CertificatePair) => void;
  /** Told once of files that cannot be used and stay so. */
  readonly onTrouble: (index: number, detail: string) => void;
  readonly intervalMs?: number;
}

/** What is known about one pair of files. */
interface Watched {
  readonly index: number;
  readonly paths: CertificatePaths;
  /** What is in use. */
  pair: CertificatePair;
  /** The files' attributes at the last look that settled what they hold. */
  attributes: string | undefined;
  /** What could not be used at the last look. */
  broken: { readonly state: string; readonly isReported: boolean } | undefined;
}

/**
 * Looks at certificate files again and again. Attributes are asked for by path, so that files swapped by symbolic links or
 * renamed into place are seen as well as those written over. A pair whose halves do not fit yet is given time.
 */
export class CertificateFiles implements Disposable {
  readonly #options: CertificateFilesOptions;
  readonly #watched: readonly Watched[];
  readonly #timer: NodeJS.Timeout;
  #look: Promise<void> | undefined;
  #isOver = false;

  constructor(options: CertificateFilesOptions) {
    this.#options = options;
    this.#watched = options.pairs.flatMap((pair, index) => {
      const paths = options.paths[index];
      return paths === undefined ? [] : [{ index, paths, pair, attributes: undefined, broken: undefined }];
    });
    this.#timer = setInterval(() => void this.look(), options.intervalMs ?? defaultIntervalMs);
    this.#timer.unref();
  }

  /** Looks now, or waits for the look that is under way. Never rejects. */
  look(): Promise<void> {
    this.#look ??= this.#lookAtAll().finally(() => {
      this.#look = undefined;
    });
    return this.#look;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#isOver = true;
  }

  async #lookAtAll(): Promise<void> {
    for (const watched of this.#watched) await this.#lookAt(watched);
  }

  async #lookAt(watched: Watched): Promise<void> {
    try {
      const { text: attributes, isRecent } = await readAttributes(watched.paths);
      if (attributes === watched.attributes && !isRecent) return;
      const pair = await readPair(watched.paths);
      // A look that was under way tells nothing any more: its positions may be another's.
      if (this.#isOver) return;
      if (pair.cert !== watched.pair.cert || pair.key !== watched.pair.key) {
        this.#take(watched, pair);
      }
      watched.attributes = attributes;
      watched.broken = undefined;
    } catch (error) {
      this.#onBroken(watched, error);
    }
  }

  #take(watched: Watched, pair: CertificatePair): void {
    try {
      this.#options.onPair(watched.index, pair);
      watched.pair = pair;
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      // The texts tell one broken state from the next; a hash would only be shorter.
      throw new UnusablePair(error.message, pair.cert + pair.key);
    }
  }

  #onBroken(watched: Watched, error: unknown): void {
    if (this.#isOver) return;
    const detail = error instanceof Error ? error.message : String(error);
    const state = error instanceof UnusablePair ? error.state : detail;
    watched.attributes = undefined;
    const isSettled = watched.broken?.state === state;
    const isReported = isSettled && watched.broken?.isReported === true;
    // Once is no proof: certificate and key change at different moments.
    if (isSettled && !isReported) this.#options.onTrouble(watched.index, detail);
    watched.broken = { state, isReported: isSettled };
  }
}

class UnusablePair extends Error {
  readonly state: string;

  constructor(message: string, state: string) {
    super(message);
    this.state = state;
  }
}

async function readAttributes(paths: CertificatePaths): Promise<{ readonly text: string; readonly isRecent: boolean }> {
  const files = await Promise.all([readable(paths.cert, regular), readable(paths.key, regular)]);
  return {
    text: files.map(({ dev, ino, size, mtimeMs, ctimeMs }) => [dev, ino, size, mtimeMs, ctimeMs].join(' ')).join('\n'),
    isRecent: files.some(({ mtimeMs }) => Math.abs(Date.now() - Number(mtimeMs)) < coarseMs),
  };
}

/** A pipe has nothing to read until somebody writes, and whoever waits for that holds a thread that others need. */
async function regular(path: string): Promise<Stats> {
  const stats = await stat(path);
  if (!stats.isFile()) throw Object.assign(new Error('It is no file'), { code: 'it is no file' });
  return stats;
}

async function readPair(paths: CertificatePaths): Promise<CertificatePair> {
  const text = (path: string) => readable(path, (file) => readFile(file, 'utf8'));
  const [cert, key] = await Promise.all([text(paths.cert), text(paths.key)]);
  return { name: paths.cert, cert, key };
}

async function readable<T>(path: string, read: (path: string) => Promise<T>): Promise<T> {
  try {
    return await read(path);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'an error';
    throw new Error(`Cannot read "${path}": ${code}`, { cause });
  }
}
