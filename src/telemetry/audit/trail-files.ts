import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** What logrotate names a file that it moved away: `.1`, `.2.gz`, `-20261123`, `-20261123.gz`. */
const rotated = /^(?:\.\d{1,5}|-\d{8,14})(?:\.gz)?$/;

/**
 * A trail's file and those that were moved away from it, the newest first; without
 * those last written before `sinceMs`. Rejects where there is none of its name.
 */
export async function findTrailFiles(path: string, sinceMs: number): Promise<readonly string[]> {
  const directory = dirname(path);
  const name = basename(path);
  const moved = (await readdir(directory)).filter(
    (each) => each.startsWith(name) && rotated.test(each.slice(name.length)),
  );
  // Told of where it is missing, but for what was moved away from it.
  const own = moved.length > 0 && !(await exists(path)) ? [] : [{ path, changedAtMs: (await stat(path)).mtimeMs }];
  const old = await Promise.all(moved.map((each) => withLastChange(join(directory, each))));
  return [...own, ...old]
    .filter(({ changedAtMs }) => changedAtMs >= sinceMs)
    .toSorted((one, other) => other.changedAtMs - one.changedAtMs)
    .map((file) => file.path);
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Rotations go on while somebody looks. */
async function withLastChange(path: string): Promise<{ readonly path: string; readonly changedAtMs: number }> {
  const changedAtMs = await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => Number.NEGATIVE_INFINITY,
  );
  return { path, changedAtMs };
}
