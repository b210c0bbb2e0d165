import { isBuiltin } from 'node:module';
import { join, relative, resolve, sep } from 'node:path';
import { type OutputChunk, type Plugin, rolldown } from 'rolldown';
import { minifySync } from 'rolldown/utils';
import { pageFiles, readPageFiles } from '../../src/admin/pages/page-files.ts';

/** A program as one ES module, and what it was made of. */
export interface Bundle {
  readonly code: string;
  /** The source map, JSON. */
  readonly map: string;
  /** Directories of the packages of which something is in it, in order of their path. */
  readonly packages: readonly string[];
}

/**
 * Bundles Postern from its sources at `root`, wherever they lie: the same sources give the same octets. Rejects where the
 * bundle would need anything but the platform.
 */
export async function bundlePostern(root: string): Promise<Bundle> {
  const build = await rolldown({
    input: join(root, 'src/main.ts'),
    platform: 'node',
    cwd: root,
    // undici leaves its second, experimental parser out where this is defined, as within Node.
    transform: { define: { esbuildDetection: '"bundled"' } },
    onLog: (_, { code, message }) => {
      // It would be looked for beside the bundle, where nothing is.
      if (code === 'UNRESOLVED_IMPORT') throw new Error(`Cannot bundle Postern: ${message}`);
    },
    plugins: [embedPageFiles(root), sliceLargePackages, partOfHttp],
  });
  try {
    const { output } = await build.generate({
      format: 'esm',
      codeSplitting: false,
      comments: false,
      sourcemap: true,
      // As from dist/ below the root.
      sourcemapPathTransform: (source, map) => toPosix(join('..', relative(root, resolve(map, '..', source)))),
      entryFileNames: 'postern.js',
      // Names of classes are names of errors, too.
      minify: { compress: true, codegen: true, mangle: { keepNames: { class: true, function: false } } },
    });
    const [chunk, ...others] = output.filter((file): file is OutputChunk => file.type === 'chunk');
    if (chunk?.map == null || others.length > 0) throw new Error('Cannot bundle Postern: it is not one chunk');
    const imported = [...chunk.imports, ...chunk.dynamicImports];
    const foreign = imported.filter((name) => name !== chunk.fileName && !isBuiltin(name));
    if (foreign.length > 0) throw new Error(`Cannot bundle Postern: it would import ${foreign.join(', ')}`);
    return {
      code: `${chunk.code.trimEnd()}\n`,
      map: chunk.map.toString(),
      packages: packagesOf([...Object.keys(chunk.modules), ...pageFiles()]),
    };
  } finally {
    await build.close();
  }
}

/** Files that the sources read from beside them are part of the bundle. */
function embedPageFiles(root: string): Plugin {
  const id = join(root, 'src/admin/pages/page-files.ts');
  return {
    name: 'embed-page-files',
    load: (asked) =>
      asked === id
        ? `const files = new Map(${JSON.stringify(Array.from(readPageFiles(), minified))});
           export const readPageFiles = () => files;
           export const pageFiles = () => [];`
        : undefined,
  };
}

function minified([name, text]: readonly [name: string, text: string]): readonly [name: string, text: string] {
  return name.endsWith('.js') ? [name, minifySync(name, text, { module: true }).code] : [name, text];
}

/** Main modules that import all of a large package, by the end of their path, and the part that Postern uses. */
const slices: Readonly<Record<string, string>> = {
  // Messages in dozens of languages, none of which Postern shows: its own say more.
  '/node_modules/zod/v4/locales/index.js': "export { default as en } from './en.js';",
  // A pool of connections; not fetch, WebSocket, caches and mocks. Importing anything else fails the build.
  '/node_modules/undici/index.js': `
    import api from './lib/api/index.js';
    import Dispatcher from './lib/dispatcher/dispatcher.js';
    import Pool from './lib/dispatcher/pool.js';
    Object.assign(Dispatcher.prototype, api);
    export { Pool };`,
  // For exemplars of the process's own CPU, which nobody asks prom-client for.
  '/node_modules/@opentelemetry/api/dist/index.cjs': 'module.exports = {};',
  // The same parser a second time, somewhat faster; policy servers' answers are small.
  '/node_modules/undici/lib/llhttp/llhttp_simd-wasm.js': "module.exports = require('./llhttp-wasm.js');",
  // Neither clusters nor any of a dozen databases.
  '/node_modules/rate-limiter-flexible/index.js':
    "export { default as RateLimiterMemory } from './lib/RateLimiterMemory.js';",
};

const sliceLargePackages: Plugin = {
  name: 'slice-large-packages',
  load: (id) => Object.entries(slices).find(([end]) => toPosix(id).endsWith(end))?.[1],
};

const partId = '\0part of node:http';

/** Imported as an ES module, `node:http` looks at each of its exports, and for `WebSocket` loads all of fetch: a tenth of a start. */
const partOfHttp: Plugin = {
  name: 'part-of-http',
  resolveId: (id, _, { kind }) => (kind === 'import-statement' && id === 'node:http' ? partId : undefined),
  load: (id) =>
    id === partId
      ? `export const { STATUS_CODES, ServerResponse, createServer, request } = process.getBuiltinModule('node:http');`
      : undefined,
};

function packagesOf(modules: readonly string[]): readonly string[] {
  const found = modules.flatMap((module) => {
    const match = /^(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/.exec(module);
    return match?.[1] ?? [];
  });
  return [...new Set(found)].sort();
}

function toPosix(path: string): string {
  return path.replaceAll(sep, '/');
}
