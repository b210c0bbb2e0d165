import type { LoginFacts, StoredBlock } from '../../policy/guard/facts.ts';
import { type LimitSubjects, limitSubjects, pairSubject } from '../../policy/limit-subjects.ts';
import type { LimitName, LoginLimits } from '../../policy/login-limits.ts';
import type { AccountFacts, LoginKey } from '../guard-store.ts';
import { limitFields } from './keys.ts';
import { membersSince, readRecordedBlock } from './window-record.ts';

/** What a script returned. */
type Reply = readonly unknown[];

/** The limits that scripts number, in that order. */
const countedLimits = {
  account: ['perAccount', 'passwordsPerAccount', 'perAddressAndAccount'],
  network: ['perAddress', 'perNetwork', 'accountsPerNetwork'],
} as const satisfies Record<string, readonly LimitName[]>;

const lookedAtLimits: readonly LimitName[] = [...countedLimits.account, ...countedLimits.network];

/** Puts together what `lookScript` and `lookNetworkScript` found. */
export function readFacts(
  login: LoginKey,
  {
    limits,
    ofAccount,
    ofNetwork,
  }: { readonly limits: LoginLimits; readonly ofAccount: Reply; readonly ofNetwork: Reply },
): LoginFacts {
  const [now, perAccount, passwords, pair, known, last, refused, sessions, isAccepted, isReserved] = ofAccount;
  const nowMs = Number(now);
  const facts: { -readonly [name in keyof LoginFacts]: LoginFacts[name] } = {
    nowMs,
    blocks: readBlocks(login, { nowMs, records: [perAccount, passwords, pair, ...ofNetwork] }),
    liveSessionIds: Array.isArray(sessions) ? sessions.map(String) : [],
    pairMembers: membersSince(pair, nowMs - limits.perAddressAndAccount.windowMs),
    addressFailures: membersSince(ofNetwork[0], nowMs - limits.perAddress.windowMs).length,
    isAccepted: isAccepted === 1,
    isReserved: isReserved === 1,
  };
  // Set one by one: objects are spread at some cost, and each login reads these.
  if (known !== null) facts.knownSinceMs = Number(known);
  if (refused !== null) facts.refusedUntilMs = Number(refused);
  if (last !== null) facts.lastLoginMs = Number(last);
  return facts;
}

/** Reads the blocks that a script placed, from what it returned behind its first number. */
export function readPlaced(
  subjects: LimitSubjects,
  { counted, reply }: { readonly counted: 'account' | 'network'; readonly reply: Reply },
): readonly StoredBlock[] {
  const placed: StoredBlock[] = [];
  for (let index = 1; index + 3 < reply.length; index += 4) {
    const [number, untilMs, strikes, owners] = reply.slice(index).map(Number);
    const limit = countedLimits[counted][Number(number) - 1];
    if (limit === undefined) continue;
    const subject = subjects[limit];
    placed.push({ limit, subject, untilMs: Number(untilMs), strikes: Number(strikes), hasOwners: owners === 1 });
  }
  return placed;
}

/** Reads what `describeScript` found. */
export function readAccount(
  account: string,
  { limits, reply }: { readonly limits: LoginLimits; readonly reply: Reply },
): AccountFacts {
  const nowMs = Number(reply[0]);
  const fields = readPairs(reply[1]);
  const records = fields.map(([field, record]) => ({ ...subjectOf(account, field), record }));
  const count = (limit: 'perAccount' | 'passwordsPerAccount'): number => {
    const record = fields.find(([field]) => field === limitFields[limit])?.[1];
    return membersSince(record, nowMs - limits[limit].windowMs).length;
  };
  const last = reply[3];
  return {
    nowMs,
    blocks: records.flatMap(({ limit, subject, record }) => readBlock(record, { limit, subject, nowMs }) ?? []),
    counts: { perAccount: count('perAccount'), passwordsPerAccount: count('passwordsPerAccount') },
    knownAddresses: readPairs(reply[2]).map(([address, ms]) => ({ address, lastLoginMs: Number(ms) })),
    refusedUntilMs: readPairs(reply[4]).map(([, untilMs]) => Number(untilMs)),
    ...(last === null ? {} : { lastLoginMs: Number(last) }),
    liveSessions: Number(reply[5]),
  };
}

/** `records` are those of `lookedAtLimits`, in that order. */
function readBlocks(
  login: LoginKey,
  { nowMs, records }: { readonly nowMs: number; readonly records: Reply },
): readonly StoredBlock[] {
  const blocks: StoredBlock[] = [];
  for (const [index, limit] of lookedAtLimits.entries()) {
    const { untilMs, strikes, hasOwners } = readRecordedBlock(records[index]);
    if (untilMs > nowMs) blocks.push({ limit, subject: limitSubjects(login)[limit], untilMs, strikes, hasOwners });
  }
  return blocks;
}

function readBlock(
  record: unknown,
  { limit, subject, nowMs }: { readonly limit: LimitName; readonly subject: string; readonly nowMs: number },
): StoredBlock | undefined {
  const { untilMs, strikes, hasOwners } = readRecordedBlock(record);
  return untilMs > nowMs ? { limit, subject, untilMs, strikes, hasOwners } : undefined;
}

function subjectOf(account: string, field: string): { limit: LimitName; subject: string } {
  if (field === limitFields.perAccount) return { limit: 'perAccount', subject: account };
  if (field === limitFields.passwordsPerAccount) return { limit: 'passwordsPerAccount', subject: account };
  return { limit: 'perAddressAndAccount', subject: pairSubject({ account, address: field }) };
}

/** A hash or a sorted set with scores, as Redis lists them. */
function readPairs(list: unknown): readonly (readonly [string, string])[] {
  const items: Reply = Array.isArray(list) ? list : [];
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < items.length; index += 2)
    pairs.push([String(items[index]), String(items[index + 1])]);
  return pairs;
}
