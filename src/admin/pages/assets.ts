import { createHash } from 'node:crypto';
import { readPageFiles } from './page-files.ts';
import { assetsPath } from './paths.ts';

/** A style sheet, script or picture of the pages. */
export interface Asset {
  readonly type: string;
  readonly body: string;
}

const types: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/** The files that pages consist of beside their text. They are read when first asked for. */
export class Assets {
  readonly #onError: (error: unknown) => void;
  #read: { readonly version: string; readonly files: ReadonlyMap<string, Asset> } | undefined;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** The address of a file, which changes with what is in the files: browsers may keep it for good. */
  path(name: string): string {
    return `${assetsPath}${this.#files().version}/${name}`;
  }

  /** A file; `isCurrent` where the version is that of what is in the files. */
  find(version: string, name: string): { readonly asset: Asset; readonly isCurrent: boolean } | undefined {
    const { version: current, files } = this.#files();
    const asset = files.get(name);
    return asset && { asset, isCurrent: version === current };
  }

  #files() {
    if (this.#read !== undefined) return this.#read;
    try {
      this.#read = readAssets();
    } catch (error) {
      // Such as on Deno, where nobody let it read them: pages are plain then, but all there.
      this.#onError(error);
      this.#read = { version: 'none', files: new Map() };
    }
    return this.#read;
  }
}

function readAssets() {
  const files = new Map<string, Asset>();
  const hash = createHash('sha256');
  for (const [name, body] of readPageFiles()) {
    files.set(name, { type: types[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream', body });
    hash.update(body);
  }
  return { version: hash.digest('hex').slice(0, 12), files };
}
