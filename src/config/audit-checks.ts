import type { Draft } from './draft.ts';
import type { Complaint } from './problems.ts';
import type { Source } from './source.ts';

/** What takes effect only beside another value: a trail that somebody configured and that is not written would be missed too late. */
export function* checkAudit({ audit }: Draft, source: Source): Generator<Complaint> {
  const requirements = [
    { key: 'file', needs: 'to', value: 'file' },
    { key: 'syslog', needs: 'to', value: 'syslog' },
    { key: 'hashKey', needs: 'accounts', value: 'hashed' },
  ] as const;
  for (const { key, needs, value } of requirements) {
    const isUnreadable = audit[needs] === undefined && source.isWritten(['audit', needs]);
    if (!source.isWritten(['audit', key]) || audit[needs] === value || isUnreadable) continue;
    yield { path: ['audit', key], reason: `it needs \`${needs}: ${value}\` beside it` };
  }
}
