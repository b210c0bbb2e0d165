import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';
import { describe, expect, test } from 'vitest';

/** The parts of the project, those that know least first. A part imports from those before it; parts in one line are siblings. */
const layers: readonly (readonly string[])[] = [
  ['pop3'],
  ['policy'],
  ['proxy'],
  ['admin', 'config', 'guard', 'net', 'providers', 'telemetry'],
  ['commands'],
  ['main'],
];
/** These decide and compute: whatever they need from outside comes as an argument. */
const pureParts = new Set(['pop3', 'policy']);
/** Clocks, timers, randomness and ways out that need no import. */
const impure =
  /\b(?:Date|Temporal|performance|crypto|setTimeout|setInterval|setImmediate|queueMicrotask|process|Deno|Buffer|fetch|console|globalThis)\b|\bMath\s*\.\s*random\b/g;

interface Import {
  /** As written; undefined where it is computed. */
  readonly specifier: string | undefined;
  readonly isTypeOnly: boolean;
}

/** Sources by their path below src/. */
type Sources = ReadonlyMap<string, string>;

const token = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

/** Comments left out, strings kept. */
function code(source: string): string {
  return source.replace(token, (text) => (text.startsWith('/') ? ' ' : text));
}

function importsOf(source: string): readonly Import[] {
  const text = code(source);
  const statements = text.matchAll(/^\s*(?:import|export)\b(\s+type\b)?(?:[^'"`;=]*?\bfrom)?\s*(['"])(.*?)\2/gm);
  const calls = text.matchAll(/\bimport\s*\(\s*(?:(['"])(.*?)\1\s*[,)])?/g);
  return [
    ...Array.from(statements, ([, type, , specifier]) => ({ specifier, isTypeOnly: type !== undefined })),
    ...Array.from(calls, ([, , specifier]) => ({ specifier, isTypeOnly: false })),
  ];
}

function partOf(path: string): string {
  return path === 'main.ts' ? 'main' : (path.split('/')[0] ?? '');
}

function layerOf(part: string): number {
  return layers.findIndex((layer) => layer.includes(part));
}

const above = 'imports from above:';
const sibling = 'imports more than types from a sibling:';
const unknown = 'imports from no known part:';

/** What is wrong with one import; undefined: nothing. */
function breachOf(path: string, { specifier, isTypeOnly }: Import): string | undefined {
  const from = partOf(path);
  if (specifier === undefined) return 'imports what cannot be known beforehand';
  if (!specifier.startsWith('.')) return pureParts.has(from) ? `imports ${specifier}` : undefined;
  const target = normalize(join(dirname(path), specifier));
  if (target.startsWith('..')) return from === 'main' ? undefined : `imports from outside src: ${specifier}`;
  const to = partOf(target);
  if (from === to) return undefined;
  if (layerOf(to) === -1) return `${unknown} ${target}`;
  if (layerOf(from) > layerOf(to)) return undefined;
  if (layerOf(from) < layerOf(to)) return `${above} ${target}`;
  return isTypeOnly ? undefined : `${sibling} ${target}`;
}

/** Names that stand in the code, be it inside a template. */
function impureNames(source: string): readonly string[] {
  const text = source.replace(token, (found) =>
    Array.from(found.startsWith('`') ? found.matchAll(/\$\{([^}]*)\}/g) : [], ([, inside]) => ` ${inside} `).join(''),
  );
  return Array.from(text.matchAll(impure), ([name]) => name);
}

/** All that breaks the rule, in words. */
function breaches(sources: Sources): readonly string[] {
  return Array.from(sources).flatMap(([path, source]) => {
    if (layerOf(partOf(path)) === -1) return [`${path} is in no known part`];
    const found = importsOf(source).flatMap((each) => breachOf(path, each) ?? []);
    const uses = pureParts.has(partOf(path)) ? impureNames(source).map((name) => `uses ${name}`) : [];
    return [...found, ...uses].map((breach) => `${path} ${breach}`);
  });
}

/** Files and parts that lead back to themselves, types counted like everything else. */
function circles(sources: Sources): readonly string[] {
  const files = new Map<string, Set<string>>();
  const parts = new Map<string, Set<string>>();
  for (const [path, source] of sources) {
    for (const { specifier } of importsOf(source)) {
      if (specifier === undefined || !specifier.startsWith('.')) continue;
      const target = normalize(join(dirname(path), specifier));
      edges(files, path).add(target);
      if (partOf(path) !== partOf(target)) edges(parts, partOf(path)).add(partOf(target));
    }
  }
  return [...circlesIn(files), ...circlesIn(parts)];
}

function edges(graph: Map<string, Set<string>>, node: string): Set<string> {
  const found = graph.get(node) ?? new Set();
  graph.set(node, found);
  return found;
}

function circlesIn(graph: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] {
  const found: string[] = [];
  const finished = new Set<string>();
  function visit(node: string, way: readonly string[]): void {
    if (way.includes(node)) found.push([...way.slice(way.indexOf(node)), node].join(' → '));
    if (way.includes(node) || finished.has(node)) return;
    for (const next of graph.get(node) ?? []) visit(next, [...way, node]);
    finished.add(node);
  }
  for (const node of graph.keys()) visit(node, []);
  return found;
}

function readSources(): Sources {
  const root = new URL('../src/', import.meta.url);
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
  return new Map(paths.sort().map((path) => [path, readFileSync(new URL(path, root), 'utf8')]));
}

describe('src/', () => {
  const sources = readSources();

  test('has every part, and imports that the rule can see', () => {
    expect(new Set(Array.from(sources.keys(), partOf))).toEqual(new Set(layers.flat()));
    for (const [path, source] of sources) {
      const expected = source
        .split('\n')
        .filter((line) => /^(?:import\b|\} from |export .* from )/.test(line) && /['"];?$|['"] with /.test(line));
      const found = importsOf(source).filter(({ specifier }) => specifier !== undefined);
      expect.soft(found.length, path).toBeGreaterThanOrEqual(expected.length);
    }
  });

  test('imports one way only: main → commands → admin, net, guard, telemetry, providers, config → proxy → policy → pop3', () => {
    expect(breaches(sources)).toEqual([]);
  });

  test('has no circles', () => {
    expect(circles(sources)).toEqual([]);
  });
});

describe('the import rule', () => {
  test.each<[string, string, string, string]>([
    ['an import from above', 'pop3/a.ts', "import { b } from '../net/b.ts';", `${above} net/b.ts`],
    ['a type from above', 'policy/a.ts', "import type { B } from '../proxy/b.ts';", `${above} proxy/b.ts`],
    ['an import of several lines', 'proxy/a.ts', "import {\n  b,\n  c,\n} from '../net/b.ts';", `${above} net/b.ts`],
    ['an export from above', 'net/a.ts', "export { b } from '../commands/b.ts';", `${above} commands/b.ts`],
    ['an export of everything', 'guard/a.ts', "export * from '../main.ts';", `${above} main.ts`],
    ['an import for its effect', 'proxy/a.ts', "import '../guard/b.ts';", `${above} guard/b.ts`],
    ['an import while running', 'proxy/a.ts', "const b = await import('../net/b.ts');", `${above} net/b.ts`],
    ['an import of a computed name', 'net/a.ts', 'await import(name);', 'imports what cannot be known beforehand'],
    ['a value from a sibling', 'admin/a.ts', "import { parse } from '../config/b.ts';", `${sibling} config/b.ts`],
    ['a value among types', 'net/a.ts', "import { type A, b } from '../guard/b.ts';", `${sibling} guard/b.ts`],
    ['an export of a sibling', 'telemetry/a.ts', "export { b } from '../config/b.ts';", `${sibling} config/b.ts`],
    ['a platform module in a pure part', 'pop3/a.ts', "import { isIP } from 'node:net';", 'imports node:net'],
    ["a package's type in a pure part", 'policy/a.ts', "import type { z } from 'zod';", 'imports zod'],
    ['a file outside of src', 'net/a.ts', "import a from '../../a.json';", 'imports from outside src: ../../a.json'],
    ['an unknown part', 'utils/a.ts', '', 'is in no known part'],
    ['an import from an unknown part', 'main.ts', "import { b } from './utils/b.ts';", `${unknown} utils/b.ts`],
    ['the time in a pure part', 'policy/a.ts', 'const nowMs = Date.now();', 'uses Date'],
    ['the other clock in a pure part', 'pop3/a.ts', 'const nowMs = performance.now();', 'uses performance'],
    ['a timer in a pure part', 'pop3/a.ts', 'setTimeout(() => undefined, 1);', 'uses setTimeout'],
    ['randomness in a pure part', 'policy/a.ts', 'const a = Math.random();', 'uses Math.random'],
    ['randomness within a template', 'policy/a.ts', `const a = \`a \${crypto.randomUUID()} b\`;`, 'uses crypto'],
  ])('is broken by %s', (_, path, source, breach) => {
    expect(breaches(new Map([[path, source]]))).toEqual([`${path} ${breach}`]);
  });

  test.each([
    ['imports from below', 'commands/a.ts', "import { b } from '../config/b.ts';\nimport { c } from '../pop3/c.ts';"],
    ['imports within a part', 'guard/store/a.ts', "import { b } from '../b.ts';"],
    ['types from a sibling', 'net/a.ts', "import type { Config } from '../config/config.ts';"],
    [
      'platform modules and packages elsewhere',
      'proxy/a.ts',
      "import { connect } from 'node:net';\nimport { z } from 'zod';",
    ],
    ['clocks elsewhere', 'guard/a.ts', 'const nowMs = Date.now();'],
    ["main's own package.json", 'main.ts', "import facts from '../package.json' with { type: 'json' };"],
    [
      'words in comments and texts',
      'pop3/a.ts',
      "// No Date here, no import('../main.ts').\nconst text = 'the Date of import';\n/* Math.random */",
    ],
    ['names that only contain such words', 'pop3/a.ts', 'const updateDates = processLine(mathRandom);'],
  ])('permits %s', (_, path, source) => {
    expect(breaches(new Map([[path, source]]))).toEqual([]);
  });

  test('is broken by files that lead back to themselves', () => {
    const sources = new Map([
      ['net/a.ts', "import { b } from './b.ts';"],
      ['net/b.ts', "import type { C } from './c.ts';"],
      ['net/c.ts', "export { a } from './a.ts';"],
      ['net/d.ts', "import { a } from './a.ts';"],
    ]);
    expect(circles(sources)).toEqual(['net/a.ts → net/b.ts → net/c.ts → net/a.ts']);
  });

  test('is broken by siblings that need each other, be it by types of different files', () => {
    const sources = new Map([
      ['net/a.ts', "import type { B } from '../guard/b.ts';"],
      ['guard/c.ts', "import type { D } from '../net/d.ts';"],
    ]);
    expect(circles(sources)).toEqual(['net → guard → net']);
  });

  test('permits ways that meet again', () => {
    const sources = new Map([
      ['net/a.ts', "import { b } from './b.ts';\nimport { c } from './c.ts';"],
      ['net/b.ts', "import { d } from './d.ts';"],
      ['net/c.ts', "import { d } from './d.ts';"],
    ]);
    expect(circles(sources)).toEqual([]);
  });
});
