import { readFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';

/** Listeners, Redis, logs, the admin interface and its readers. */
const reservedFiles = 100;

/** How many files the sessions of a configuration may need: two each, beside what the process needs for itself. */
export function filesNeeded({ sessions }: Pick<Config, 'sessions'>): number {
  return 2 * sessions.maxTotal + sessions.maxReadyConnections + reservedFiles;
}

/** How many files this process may have open; undefined where the system does not tell. */
export function permittedFiles(read = (path: string): string => readFileSync(path, 'utf8')): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(read('/proc/self/limits'))?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
