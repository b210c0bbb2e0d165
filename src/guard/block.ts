import type { StoredBlock } from '../policy/guard/facts.ts';
import type { LimitName } from '../policy/login-limits.ts';
import { formatBlockId } from './block-id.ts';

/** A block in force, or an operator's entry, as an admin sees it. */
export interface Block {
  /** URL-safe, and the same on every instance. */
  readonly id: string;
  readonly effect: 'block' | 'allow';
  readonly origin: 'automatic' | 'manual';
  /** Absent for an operator's entry. */
  readonly limit?: LimitName;
  /** An address, a network, an account, or `account from address`. */
  readonly subject: string;
  /** When it ends, ms since the epoch; absent: never. */
  readonly untilMs?: number;
  /** How many blocks in a row, this one included; absent for an operator's entry. */
  readonly strikes?: number;
  /** In the operator's words. */
  readonly reason?: string;
  /** The name of the admin token that asked for it. */
  readonly by?: string;
  readonly addedAtMs?: number;
}

/** Shows a block that a limit placed. */
export function describeBlock({ limit, subject, untilMs, strikes }: StoredBlock): Block {
  return {
    id: formatBlockId({ limit, subject }),
    effect: 'block',
    origin: 'automatic',
    limit,
    subject,
    untilMs,
    strikes,
  };
}
