import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const ownNames = ['pages.css', 'pages.js', 'live.js', 'charts.js', 'icon.svg'];
const packageFiles = { 'uplot.js': 'uplot/dist/uPlot.esm.js', 'uplot.css': 'uplot/dist/uPlot.min.css' };

/**
 * Reads the style sheets, scripts and pictures of the pages, by the name that a browser asks for. Throws where they
 * cannot be read. The build of one file replaces this module by what it gives.
 */
export function readPageFiles(): ReadonlyMap<string, string> {
  return new Map(pathsByName().map(([name, path]) => [name, readFileSync(path, 'utf8')]));
}

/** Where they are read from: none, where they are part of the program. */
export function pageFiles(): readonly string[] {
  return pathsByName().map(([, path]) => path);
}

function pathsByName(): readonly (readonly [name: string, path: string])[] {
  const { resolve } = createRequire(import.meta.url);
  return [
    ...ownNames.map((name) => [name, fileURLToPath(new URL(`assets/${name}`, import.meta.url))] as const),
    ...Object.entries(packageFiles).map(([name, file]) => [name, resolve(file)] as const),
  ];
}
