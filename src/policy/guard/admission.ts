import { accountLimitNames, type LimitName, networkLimitNames } from '../login-limits.ts';
import type { LoginFacts, StoredBlock } from './facts.ts';
import type { ManualVerdict } from './manual-entries.ts';

/** Why the guard refuses a login; closed set, metric label. */
export const guardReasons = [
  'limit', // too many failures
  'manual', // an operator's block
  'remembered', // the upstream refused these credentials not long ago
  'pace', // sooner than the provider permits
  'in_use', // as many sessions of the account are live as may be
  'busy', // as many logins are under way as may still fail
  'policy_server',
  'store', // nobody to ask
] as const;
export type GuardReason = (typeof guardReasons)[number];

/** A login that is not tried, and why. */
export interface Refusal {
  readonly reason: GuardReason;
  /** Absent where no login limit refuses. */
  readonly limit?: LimitName;
  /** When it is worth another try; absent where nobody can tell. */
  readonly retryAfterMs?: number;
}

/** All that a login is judged by. */
export interface LoginCase {
  readonly facts: LoginFacts;
  readonly manual?: ManualVerdict;
  /** No automatic limit applies to the address, by the configuration or by an operator's entry. */
  readonly isExempt: boolean;
  /** The account's live sessions, on all instances. */
  readonly liveSessions: number;
  readonly sessionsPerAccount: number;
  /** Shortest time between two logins to the account; absent: any will do. */
  readonly minPollIntervalMs?: number;
  /** One session of the account at a time. */
  readonly isSingleSession?: boolean;
}

/** Judges a login before its upstream is dialled; undefined: it may be tried. */
export function refuseLogin(login: LoginCase): Refusal | undefined {
  if (login.manual?.block !== undefined) {
    const { untilMs } = login.manual.block;
    return { reason: 'manual', ...(untilMs === undefined ? {} : { retryAfterMs: untilMs - login.facts.nowMs }) };
  }
  const isOwner = login.facts.knownSinceMs !== undefined;
  return (
    refuseByBlock(login) ??
    // A stranger who is refused whatever the password must not learn that an owner had this one, too.
    (isOwner ? refuseRemembered(login) : undefined) ??
    refuseByPace(login) ??
    refuseBySessions(login) ??
    refuseRemembered(login) ??
    refuseWithoutRoom(login)
  );
}

/** The block that keeps a login out the longest; undefined where none does. */
export function findBlock(login: LoginCase): StoredBlock | undefined {
  const limits = limitsThatApply(login);
  let longest: StoredBlock | undefined;
  for (const block of login.facts.blocks) {
    if (!limits.includes(block.limit) || block.untilMs <= login.facts.nowMs) continue;
    if (longest === undefined || block.untilMs > longest.untilMs) longest = block;
  }
  return longest;
}

const noLimits: readonly LimitName[] = [];
const ownersLimits: readonly LimitName[] = ['perAddressAndAccount'];
const strangersLimits: readonly LimitName[] = [...accountLimitNames, ...networkLimitNames];

/** Owners stay in: what others do to their account or network is not theirs to pay for. */
function limitsThatApply({ facts, isExempt, manual }: LoginCase): readonly LimitName[] {
  if (isExempt) return noLimits;
  const isOwner = facts.knownSinceMs !== undefined;
  if (manual?.isAccountAllowed) return isOwner ? noLimits : networkLimitNames;
  return isOwner ? ownersLimits : strangersLimits;
}

function refuseByBlock(login: LoginCase): Refusal | undefined {
  const block = findBlock(login);
  if (block === undefined) return undefined;
  return { reason: 'limit', limit: block.limit, retryAfterMs: block.untilMs - login.facts.nowMs };
}

/** An operator who allows an address or an account wants its next login tried, whatever was remembered. */
function refuseRemembered({ facts: { refusedUntilMs, nowMs }, manual }: LoginCase): Refusal | undefined {
  if (manual?.isAddressAllowed || manual?.isAccountAllowed) return undefined;
  if (refusedUntilMs === undefined || refusedUntilMs <= nowMs) return undefined;
  return { reason: 'remembered', retryAfterMs: refusedUntilMs - nowMs };
}

function refuseByPace({ facts: { lastLoginMs, nowMs }, minPollIntervalMs = 0 }: LoginCase): Refusal | undefined {
  if (lastLoginMs === undefined) return undefined;
  const retryAfterMs = lastLoginMs + minPollIntervalMs - nowMs;
  return retryAfterMs > 0 ? { reason: 'pace', retryAfterMs } : undefined;
}

function refuseBySessions({ liveSessions, sessionsPerAccount, isSingleSession }: LoginCase): Refusal | undefined {
  return liveSessions >= (isSingleSession ? 1 : sessionsPerAccount) ? { reason: 'in_use' } : undefined;
}

function refuseWithoutRoom({ facts, isExempt, manual }: LoginCase): Refusal | undefined {
  const isStranger = facts.knownSinceMs === undefined && !isExempt && !manual?.isAccountAllowed;
  return isStranger && !facts.isReserved ? { reason: 'busy', limit: 'perAccount' } : undefined;
}
