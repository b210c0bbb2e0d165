import type { Draft } from './draft.ts';
import type { Complaint } from './problems.ts';
import type { Source } from './source.ts';

/** A file for lines that nobody writes would be watched in vain. */
export function* checkLoginLines({ log }: Draft, source: Source): Generator<Complaint> {
  const isUnreadable = log.loginLines === undefined && source.isWritten(['log', 'loginLines']);
  if (!source.isWritten(['log', 'loginLinesFile']) || log.loginLines === 'dovecot' || isUnreadable) return;
  yield { path: ['log', 'loginLinesFile'], reason: 'it needs `loginLines: dovecot` beside it' };
}
