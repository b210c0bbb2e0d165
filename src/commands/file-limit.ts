import { readFileSync } from 'node:fs';
import type { SessionsConfig } from '../config/config.ts';

/** Listeners, Redis, logs, the admin interface and its readers. */
const reservedFiles = 100;

/**
 * How many sessions are let in: as many as are configured, or as many as this process may have files open for, two each. `permitted` undefined: as many as it likes.
 * Beyond that clients would take the files that logins need to reach their upstreams, and be cut off without a word.
 */
export function sessionsToLetIn(
  { maxTotal, maxReadyConnections }: Pick<SessionsConfig, 'maxTotal' | 'maxReadyConnections'>,
  permitted: number | undefined,
): number {
  if (permitted === undefined) return maxTotal;
  return Math.max(1, Math.min(maxTotal, Math.floor((permitted - reservedFiles - maxReadyConnections) / 2)));
}

/** How many files this process may have open; undefined where the system does not tell. */
export function permittedFiles(): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
