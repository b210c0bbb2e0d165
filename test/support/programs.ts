import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where Debian keeps servers; an ordinary user's PATH often lacks it. */
const serverDirectories = ['/usr/sbin', '/usr/local/sbin'];

/** The directories searched for programs, in order. */
export function programDirectories(): string[] {
  const onPath = (process.env.PATH ?? '').split(delimiter).filter((directory) => directory !== '');
  return [...new Set([...onPath, ...serverDirectories])];
}

/** The full path of an executable, undefined where it is not installed: `describe.skipIf(!program('dovecot'))`. */
export function program(name: string): string | undefined {
  return programDirectories()
    .map((directory) => join(directory, name))
    .find(isExecutableFile);
}

/** The full path of an executable that the caller cannot do without. */
export function requireProgram(name: string): string {
  const path = program(name);
  if (path === undefined) throw new Error(`Cannot run "${name}": it is not installed`);
  return path;
}

function isExecutableFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
