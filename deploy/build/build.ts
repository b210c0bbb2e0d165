import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeMaterials } from './bill-of-materials.ts';
import { bundlePostern } from './bundle.ts';
import { formatLicences, readLicence } from './licences.ts';

/** Where to build from, and to. */
export interface BuildOptions {
  /** A checkout with its packages installed. */
  readonly root: string;
  /** It is made where it is missing; files of the same names are replaced. */
  readonly outDirectory: string;
}

/** A file that was built. */
export interface BuiltFile {
  readonly name: string;
  readonly octets: number;
}

/** Builds Postern as one file, and beside it what belongs to a package of it. Resolves to the files. */
export async function buildPostern({ root, outDirectory }: BuildOptions): Promise<readonly BuiltFile[]> {
  const { code, map, packages } = await bundlePostern(root);
  const licensed = await Promise.all(packages.map(readLicence));
  const texts = {
    'postern.js': code,
    'postern.js.map': map,
    'package.json': describePackage(JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))),
    'THIRD-PARTY-LICENSES.txt': formatLicences(licensed),
    'postern.cdx.json': await describeMaterials(root, licensed),
  };
  await mkdir(outDirectory, { recursive: true });
  for (const [name, text] of Object.entries(texts)) {
    await writeFile(join(outDirectory, name), text, { mode: name === 'postern.js' ? 0o755 : 0o644 });
  }
  for (const name of ['LICENSE', 'README.md']) await copyFile(join(root, name), join(outDirectory, name));
  return Object.entries(texts).map(([name, text]) => ({ name, octets: Buffer.byteLength(text) }));
}

/** The package of the built program, which needs no other. An executable beside it is no part of it. */
function describePackage(source: Readonly<Record<string, unknown>>): string {
  const { name, version, description, type, license, engines } = source;
  const bin = { postern: './postern.js' };
  const files = ['postern.js', 'postern.js.map', 'THIRD-PARTY-LICENSES.txt', 'postern.cdx.json'];
  return `${JSON.stringify({ name, version, description, type, license, engines, bin, files }, null, 2)}\n`;
}
