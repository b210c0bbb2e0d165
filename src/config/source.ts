import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
  Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { type Environment, interpolate } from './interpolation.ts';
import { type ConfigProblem, type Fault, formatPath, type Path, quote } from './problems.ts';
import { mayBeSecret } from './secret-keys.ts';
import { parseSyntax } from './syntax.ts';

/** Stands for a value that could not be had, which was reported where that happened. */
export const unavailable: unique symbol = Symbol('unavailable');

/** What `{file: path}` and variables are filled in from. */
export interface SourceOptions {
  readonly environment: Environment;
  /** Reads a file that the configuration names; throws where it cannot. */
  readonly readFile: (path: string) => string;
}

/** A configuration's values, filled in, and what its file says about each. */
export interface Source {
  readonly value: unknown;
  /** Variables that are not set and files that cannot be read. */
  readonly faults: readonly Fault[];
  /** Whether the file has something at this path. */
  isWritten(path: Path): boolean;
  /** Whether the value, or a part of it, came from the environment or another file. */
  isExternal(path: Path): boolean;
  /** Names the value for people: what stands in the file, or `(hidden)`, never what came from elsewhere. */
  show(path: Path): string;
  /** Gives a complaint its place in the file: the value's, or of the mapping that lacks it. */
  locate(path: Path): Pick<ConfigProblem, 'line' | 'column'>;
}

interface Written {
  readonly shown: string;
  readonly isExternal: boolean;
}

// Far above every configuration, and what keeps aliases of aliases from growing without end.
const maxValues = 100_000;
// A configuration is five levels deep; ends aliases that hold themselves.
const maxDepth = 20;

/** Reads the file's text; its syntax errors are all there is to report where it has some. */
export function readSource(
  text: string,
  options: SourceOptions,
):
  | { readonly ok: true; readonly source: Source }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] } {
  const syntax = parseSyntax(text);
  if (!syntax.ok) return syntax;
  const reader = new ValueReader((alias) => (isAlias(alias) ? alias.resolve(syntax.document) : undefined), options);
  const { contents } = syntax.document;
  const value = reader.read(contents, { path: [], offset: contents?.range[0] ?? 0 });
  return { ok: true, source: describeSource(value ?? {}, { reader, lines: syntax.lines }) };
}

function describeSource(value: unknown, from: { reader: ValueReader; lines: LineCounter }): Source {
  const { written, offsets, faults } = from.reader;
  const at = (path: Path): Written | undefined => written.get(formatPath(path));
  return {
    value,
    faults,
    isWritten: (path) => at(path) !== undefined,
    isExternal: (path) => at(path)?.isExternal ?? false,
    show: (path) => at(path)?.shown ?? 'nothing',
    locate(path) {
      let here = path;
      while (here.length > 0 && !offsets.has(formatPath(here))) here = here.slice(0, -1);
      const { line, col } = from.lines.linePos(offsets.get(formatPath(here)) ?? 0);
      return line === 0 ? {} : { line, column: col };
    },
  };
}

interface Place {
  readonly path: Path;
  /** Where the key or the list item starts. */
  readonly offset: number;
}

/** Turns nodes into plain values and keeps what the file says about each. */
class ValueReader {
  readonly written = new Map<string, Written>();
  readonly offsets = new Map<string, number>();
  readonly faults: Fault[] = [];
  readonly #resolve: (alias: Node) => Node | undefined;
  readonly #options: SourceOptions;
  #values = 0;

  constructor(resolve: (alias: Node) => Node | undefined, options: SourceOptions) {
    this.#resolve = resolve;
    this.#options = options;
  }

  read(node: unknown, place: Place): unknown {
    this.#values += 1;
    this.offsets.set(formatPath(place.path), place.offset);
    if (this.#values > maxValues || place.path.length > maxDepth) return this.#tooLarge(place);
    if (isAlias(node)) {
      const target = this.#resolve(node);
      if (target !== undefined) return this.read(target, place);
      return this.#fail(place, 'an alias (*name) has no anchor before it: put a value that starts with * in quotes');
    }
    if (isMap(node)) return this.#readMapping(node, place);
    if (isSeq(node)) return this.#readList(node, place);
    return isScalar(node) ? this.#readText(node, place) : undefined;
  }

  #readMapping(node: YAMLMap, place: Place): unknown {
    const items = node.items.map(({ key, value }) => ({ key: isScalar(key) ? key : new Scalar(''), value }));
    const [only] = items;
    if (place.path.length > 0 && items.length === 1 && only?.key.value === 'file' && isScalar(only.value)) {
      return this.#readFile(only.value, place);
    }
    this.#write(place, { shown: items.length === 0 ? 'an empty mapping' : 'a mapping', isExternal: false });
    // Without a prototype, so that `__proto__` is a key like any other.
    const mapping: Record<string, unknown> = Object.create(null);
    for (const { key, value } of items) {
      const name = String(key.value);
      mapping[name] = this.read(value, { path: [...place.path, name], offset: key.range?.[0] ?? place.offset });
    }
    return mapping;
  }

  #readList(node: YAMLSeq, place: Place): unknown {
    this.#write(place, { shown: node.items.length === 0 ? 'an empty list' : 'a list', isExternal: false });
    return node.items.map((item, index) => {
      const start = isNode(item) ? item.range?.[0] : undefined;
      return this.read(item, { path: [...place.path, index], offset: start ?? place.offset });
    });
  }

  #readText(node: Scalar, place: Place): unknown {
    const raw = String(node.value ?? '');
    // A key without a value is a key that is left out.
    if (node.type === Scalar.PLAIN && /^(~|null)?$/i.test(raw)) return undefined;
    const filled = interpolate(raw, this.#options.environment);
    const isExternal = filled.kind === 'wrong' || filled.isExternal;
    this.#write(place, { shown: showText(raw, { path: place.path, isExternal }), isExternal });
    return filled.kind === 'text' ? filled.text : this.#fail(place, filled.reason);
  }

  #readFile(node: Scalar, place: Place): unknown {
    const raw = String(node.value ?? '');
    const shown = mayBeSecret(place.path) ? '(hidden)' : `the content of ${quote(raw)}`;
    this.#write(place, { shown, isExternal: true });
    const name = interpolate(raw, this.#options.environment);
    if (name.kind === 'wrong') return this.#fail(place, name.reason);
    try {
      return this.#options.readFile(name.text).replace(/(\r?\n)+$/, '');
    } catch (cause) {
      const file = mayBeSecret(place.path) ? 'the file' : `the file ${quote(raw)}`;
      return this.#fail(place, `cannot read ${file}: ${explainFileError(cause)}`);
    }
  }

  #tooLarge(place: Place): unknown {
    // Once: the values that follow have the same fault.
    if (this.#values === Infinity) return unavailable;
    this.#values = Infinity;
    const path = place.path.slice(0, 1);
    return this.#fail({ ...place, path }, 'its values are nested too deeply, or aliases make it too large');
  }

  #fail({ path }: Place, message: string): typeof unavailable {
    this.faults.push({ path, message });
    return unavailable;
  }

  #write({ path }: Place, written: Written): void {
    this.written.set(formatPath(path), written);
  }
}

function showText(raw: string, { path, isExternal }: { path: Path; isExternal: boolean }): string {
  const isReference = /^\$\{\w+\}$/.test(raw);
  // `user:password@host`, whatever key it was written to.
  if ((mayBeSecret(path) && !isReference) || /:.*@/.test(raw)) return '(hidden)';
  return isExternal ? `the value of ${quote(raw)}` : quote(raw);
}

/** Why a file could not be read, without its path: that may have come from the environment. */
export function explainFileError(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (cause instanceof Error && cause.name === 'NotCapable') return 'Deno was not permitted to, see --allow-read';
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
    case 'EPERM':
      return 'this user may not read it';
    case 'EISDIR':
      return 'it is a directory';
    case 'ENOTFILE':
      return 'it is no file, but a pipe, a socket or a device';
    case 'EFBIG':
      return 'it is too large';
    default:
      return code === '' ? 'reading it failed' : `reading it failed with ${code}`;
  }
}
