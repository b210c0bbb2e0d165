import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A package and the terms it comes under. */
export interface LicensedPackage {
  readonly name: string;
  readonly version: string;
  /** The SPDX expression that it states. */
  readonly licence: string;
  /** The text of its licence file; undefined where it has none. */
  readonly text: string | undefined;
}

/** Finds out what a package is and under which terms. Rejects where it states none. */
export async function readLicence(directory: string): Promise<LicensedPackage> {
  const { name, version, license } = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8'));
  if (typeof license !== 'string') throw new Error(`Cannot bundle "${name}": its package.json names no licence`);
  const file = (await readdir(directory)).sort().find((entry) => /^(?:licen[cs]e|copying)(?:\.\w+)?$/i.test(entry));
  const text = file === undefined ? undefined : (await readFile(join(directory, file), 'utf8')).trim();
  return { name, version, licence: license, text };
}

/** One text with the terms of all packages; those with the same text share it. */
export function formatLicences(packages: readonly LicensedPackage[]): string {
  const byText = new Map<string, LicensedPackage[]>();
  for (const each of packages) {
    const text = each.text ?? `It has no licence file. Its package.json says: ${each.licence}.`;
    byText.set(text, [...(byText.get(text) ?? []), each]);
  }
  const sections = Array.from(byText, ([text, sharing]) =>
    [...sharing.map(({ name, version, licence }) => `${name} ${version} (${licence})`), '', text, ''].join('\n'),
  );
  return `Postern contains the following packages, under these terms.\n\n${sections.join(`\n${'-'.repeat(72)}\n\n`)}`;
}
