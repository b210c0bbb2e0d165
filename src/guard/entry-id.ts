import { Buffer } from 'node:buffer';
import type { EntryTarget, ManualEntry } from '../policy/guard/manual-entries.ts';

/** A URL-safe name of a manual entry, the same on every instance; one target has one entry of each effect. */
export function formatEntryId({ effect, target }: Pick<ManualEntry, 'effect' | 'target'>): string {
  const kind = 'network' in target ? 'network' : 'account';
  return `${effect}.${kind}.${Buffer.from(subjectOf(target), 'utf8').toString('base64url')}`;
}

/** A target as text, for people. */
export function subjectOf(target: EntryTarget): string {
  return 'network' in target ? target.network : target.account;
}
