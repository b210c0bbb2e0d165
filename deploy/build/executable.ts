import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type OutputChunk, rolldown } from 'rolldown';
import type { BuiltFile } from './build.ts';

const require = createRequire(import.meta.url);

/** What to make an executable of. */
export interface ExecutableOptions {
  /** A checkout with its packages installed: its package.json names the Node to build in. */
  readonly root: string;
  /** Where `postern.js` lies. The executable comes to lie beside it, as `postern`; one that is there is replaced. */
  readonly outDirectory: string;
}

/** As in package.json's `start`. */
const nodeOptions = ['--max-semi-space-size=4'];

/** Where Node looks for the program built into it; part of Node's interface. */
const blobName = 'NODE_SEA_BLOB';
const sentinelFuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/**
 * Puts the built program into a copy of the Node that runs this: an executable for this platform which needs nothing
 * beside it. Rejects anywhere but on Linux, and on another Node than the one Postern is developed with.
 */
export async function buildExecutable({ root, outDirectory }: ExecutableOptions): Promise<BuiltFile> {
  const { devDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  requireRuntime(devDependencies.node);
  // In the same file system: only a rename can replace an executable that runs.
  const work = await mkdtemp(join(outDirectory, '.executable-'));
  try {
    const script = join(work, 'postern.cjs');
    const blob = join(work, 'postern.blob');
    const settings = join(work, 'settings.json');
    const executable = join(work, 'postern');
    await writeFile(script, await asCommonJs(join(outDirectory, 'postern.js')));
    await writeFile(
      settings,
      JSON.stringify({
        main: script,
        output: blob,
        disableExperimentalSEAWarning: true,
        useCodeCache: true,
        execArgv: nodeOptions,
      }),
    );
    await runNode('--experimental-sea-config', settings);
    await copyFile(process.execPath, executable);
    await chmod(executable, 0o755);
    await runNode(require.resolve('postject/dist/cli.js'), executable, blobName, blob, '--sentinel-fuse', sentinelFuse);
    const { size } = await stat(executable);
    await rename(executable, join(outDirectory, 'postern'));
    return { name: 'postern', octets: size };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function requireRuntime(wanted: string): void {
  const { platform, versions } = process;
  // Elsewhere Node is signed, and a copy with something in it would have to be signed anew.
  if (platform !== 'linux') throw new Error(`Cannot build an executable on "${platform}": it is built on Linux alone`);
  if (versions.deno !== undefined)
    throw new Error('Cannot build an executable on Deno: it is a copy of the Node it is built on');
  if (versions.node !== wanted) {
    throw new Error(
      `Cannot build an executable of Node ${versions.node}: Postern is tested with ${wanted}; npm run build takes that one`,
    );
  }
}

/** The same program in the form that Node takes for an executable: one script, which imports nothing later. */
async function asCommonJs(file: string): Promise<string> {
  const build = await rolldown({
    input: file,
    platform: 'node',
    onLog: (_, { code, message }) => {
      // It would be undefined in the executable.
      if (code === 'EMPTY_IMPORT_META') throw new Error(`Cannot build an executable: ${message}`);
    },
  });
  try {
    const { output } = await build.generate({
      format: 'cjs',
      codeSplitting: false,
      // The names are what the first minification left: those of classes are names of errors.
      minify: { compress: false, mangle: false, codegen: true },
    });
    const [chunk, ...others] = output.filter((each): each is OutputChunk => each.type === 'chunk');
    if (chunk === undefined || others.length > 0) throw new Error('Cannot build an executable: it is not one script');
    // Compiled ahead of time, it could not.
    const { dynamicImports } = chunk;
    if (dynamicImports.length > 0)
      throw new Error(`Cannot build an executable: it imports ${dynamicImports.join(', ')}`);
    return chunk.code;
  } finally {
    await build.close();
  }
}

async function runNode(...args: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, args);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`Cannot build an executable: ${why}`, { cause: error });
  }
}
