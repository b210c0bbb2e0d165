import { canonicalTarget, type EntryTarget, type ManualEntry } from '../policy/guard/manual-entries.ts';
import type { NewEntry } from './guard-ports.ts';

/** The longest reason: a line on a screen. */
const maxReasonCharacters = 200;

/** An entry that cannot be added; the message says why, and is fit for who asked for it. */
export class EntryRefused extends Error {
  override readonly name = 'EntryRefused';
}

/** Checks what the admin token `by` asks for, and puts it in its one spelling. Throws `EntryRefused`. */
export function readEntryRequest(
  { effect, target, reason, untilMs }: NewEntry,
  { by, nowMs }: { readonly by: string; readonly nowMs: number },
): ManualEntry {
  const canonical = canonicalTarget(target);
  if (canonical === undefined) throw new EntryRefused(explainTarget(target));
  const words = reason.trim();
  if (words === '' || words.length > maxReasonCharacters || /[\p{C}\p{Zl}\p{Zp}]/u.test(words)) {
    throw new EntryRefused(`Cannot use the reason: write 1 to ${maxReasonCharacters} printable characters`);
  }
  if (untilMs !== undefined && untilMs <= nowMs) throw new EntryRefused('Cannot use the end: it is over already');
  return {
    effect,
    target: canonical,
    reason: words,
    by,
    addedAtMs: Math.floor(nowMs),
    ...(untilMs !== undefined && { untilMs: Math.floor(untilMs) }),
  };
}

function explainTarget(target: EntryTarget): string {
  const spelled = JSON.stringify('network' in target ? target.network : target.account);
  return 'network' in target
    ? `Cannot use the network ${spelled}: write a CIDR block that starts at its first address, or a single address`
    : `Cannot use the account ${spelled}: write user@example.com, or *@example.com for all of a domain`;
}
